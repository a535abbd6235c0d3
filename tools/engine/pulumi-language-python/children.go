package main

import (
	"errors"
	"maps"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"time"
)

const (
	stopGrace        = time.Second
	stopPollInterval = 5 * time.Millisecond
)

var errClosed = errors.New("the language host is stopping")

// children are the running programs and policy packs, each in a process group of its own: the
// engine's SIGINT to the host's group must not reach Python, which would print a traceback.
type children struct {
	mutex  sync.Mutex
	groups map[int]struct{}
	closed bool
}

func newChildren() *children {
	return &children{groups: map[int]struct{}{}}
}

// start runs cmd and stops its whole group when cmd's context is cancelled. The caller waits for cmd
// and then calls forget.
func (c *children) start(cmd *exec.Cmd) error {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.closed {
		return errClosed
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error {
		stopGroups(cmd.Process.Pid)
		return nil
	}
	// Wait copies the output of a pack until its last writer is gone; do not let a stray one hold it.
	cmd.WaitDelay = stopGrace
	if err := cmd.Start(); err != nil {
		return err
	}
	c.groups[cmd.Process.Pid] = struct{}{}
	return nil
}

func (c *children) forget(cmd *exec.Cmd) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	delete(c.groups, cmd.Process.Pid)
}

// run starts cmd and waits for its end.
func (c *children) run(cmd *exec.Cmd) error {
	if err := c.start(cmd); err != nil {
		return err
	}
	defer c.forget(cmd)
	return cmd.Wait()
}

// stopAll ends every child.
func (c *children) stopAll() {
	c.mutex.Lock()
	groups := slices.Collect(maps.Keys(c.groups))
	c.mutex.Unlock()
	stopGroups(groups...)
}

// close ends every child and lets no new one start.
func (c *children) close() {
	c.mutex.Lock()
	c.closed = true
	c.mutex.Unlock()
	c.stopAll()
}

// stopGroups asks process groups to end with SIGTERM, on which Python dies without a word unless the
// program handles it. What is left once their leaders are gone, or after the grace time, is killed.
func stopGroups(groups ...int) {
	for _, group := range groups {
		_ = syscall.Kill(-group, syscall.SIGTERM) // an error means that the group has ended by itself
	}
	deadline := time.Now().Add(stopGrace)
	for slices.ContainsFunc(groups, alive) && time.Now().Before(deadline) {
		time.Sleep(stopPollInterval)
	}
	for _, group := range groups {
		_ = syscall.Kill(-group, syscall.SIGKILL)
	}
}

// alive tells of a group's leader alone: where nobody reaps orphans, as in many containers, a group
// outlives its last member.
func alive(leader int) bool {
	return syscall.Kill(leader, 0) == nil
}
