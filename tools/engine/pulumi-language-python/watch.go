package main

import (
	"os"
	"time"
)

const parentPollInterval = 500 * time.Millisecond

// exitWithParent ends the host when its engine is gone: an engine that was killed says no goodbye.
func exitWithParent(children *children) {
	parent := os.Getppid()
	for os.Getppid() == parent {
		time.Sleep(parentPollInterval)
	}
	children.close()
	os.Exit(0)
}
