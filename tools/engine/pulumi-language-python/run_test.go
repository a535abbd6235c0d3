package main

import (
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

func TestRunArgumentsLeaveOutWhatIsUnknown(t *testing.T) {
	req := &pulumirpc.RunRequest{
		DryRun: true, MonitorAddress: "127.0.0.1:1", Project: "p", Args: []string{"a"},
		Info: &pulumirpc.ProgramInfo{RootDirectory: "/r", EntryPoint: "."},
	}
	want := strings.Fields("--dry_run true --parallel 0 --monitor 127.0.0.1:1 --project p" +
		" --root_directory /r . a")
	if got := runArguments(req, ""); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestConfigEnvironmentNeverSaysNull(t *testing.T) {
	got, err := configEnvironment(nil, nil)
	want := []string{"PULUMI_CONFIG={}", "PULUMI_CONFIG_SECRET_KEYS=[]"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestConfigEnvironmentIsJSON(t *testing.T) {
	got, err := configEnvironment(map[string]string{"p:a": `say "x"`}, []string{"p:a"})
	want := []string{`PULUMI_CONFIG={"p:a":"say \"x\""}`, `PULUMI_CONFIG_SECRET_KEYS=["p:a"]`}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestRunResponse(t *testing.T) {
	cases := map[string]*pulumirpc.RunResponse{
		"exit 0":        {},
		"exit 32":       {Bail: true},
		"exit 3":        {Error: "program exited with non-zero exit code: 3"},
		"kill -KILL $$": {Error: "program was ended by signal: killed"},
	}
	for script, want := range cases {
		got, err := runResponse(exec.Command("sh", "-c", script).Run())
		if err != nil || got.GetBail() != want.GetBail() || got.GetError() != want.GetError() {
			t.Errorf("%s: got %v, %v, want %v", script, got, err, want)
		}
	}
}

func TestRunResponseOfAProgramThatNeverStarted(t *testing.T) {
	if got, err := runResponse(errors.New("no such file")); err == nil || got != nil {
		t.Errorf("got %v, %v, want an error alone", got, err)
	}
}

func TestEngineAddressIsTheLastArgumentButNeverAFlag(t *testing.T) {
	cases := map[string]string{
		"127.0.0.1:1": "127.0.0.1:1",
		"-v=9 -logtostderr -tracing http://t 127.0.0.1:1": "127.0.0.1:1",
		"-logtostderr": "",
		"":             "",
	}
	for arguments, want := range cases {
		if got := engineAddress(strings.Fields(arguments)); got != want {
			t.Errorf("%q: got %q, want %q", arguments, got, want)
		}
	}
}

func TestPackEnvironmentWithoutAStackIsEmpty(t *testing.T) {
	if got, err := packEnvironment(nil); err != nil || len(got) != 0 {
		t.Errorf("got %q, %v, want nothing", got, err)
	}
}
