package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"
)

func startShell(t *testing.T, c *children, script string) (*exec.Cmd, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, "sh", "-c", script)
	if err := c.start(cmd); err != nil {
		t.Fatal(err)
	}
	return cmd, cancel
}

func waitFor(t *testing.T, cmd *exec.Cmd, limit time.Duration) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case <-done:
	case <-time.After(limit):
		t.Fatalf("still running after %s", limit)
	}
}

func TestStopAllEndsGrandchildrenToo(t *testing.T) {
	c := newChildren()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "sleep 60 & wait")
	cmd.Stdout = writer
	if err := c.start(cmd); err != nil {
		t.Fatal(err)
	}
	writer.Close()
	go c.stopAll()
	waitFor(t, cmd, stopGrace/2)
	if err := reader.SetReadDeadline(time.Now().Add(stopGrace / 2)); err != nil {
		t.Fatal(err)
	}
	if _, err := reader.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("a grandchild still holds the output: %v", err)
	}
}

func TestStopAllKillsAChildThatIgnoresSIGTERM(t *testing.T) {
	c := newChildren()
	cmd, _ := startShell(t, c, "trap '' TERM; while :; do sleep 0.1; done")
	time.Sleep(100 * time.Millisecond) // let the shell set its trap
	go c.stopAll()
	waitFor(t, cmd, 3*stopGrace)
}

func TestACancelledCallEndsItsChild(t *testing.T) {
	c := newChildren()
	cmd, cancel := startShell(t, c, "sleep 60")
	cancel()
	waitFor(t, cmd, stopGrace/2)
}

func TestChildrenStartAgainAfterStopAll(t *testing.T) {
	c := newChildren()
	c.stopAll()
	if err := c.run(exec.CommandContext(t.Context(), "true")); err != nil {
		t.Errorf("got %v, want none", err)
	}
}

func TestNothingStartsAfterClose(t *testing.T) {
	c := newChildren()
	c.close()
	if err := c.run(exec.Command("true")); !errors.Is(err, errClosed) {
		t.Errorf("got %v, want %v", err, errClosed)
	}
}
