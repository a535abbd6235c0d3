package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// exitErrorShown is how pulumi-language-python-exec ends after it has shown the user the error.
const exitErrorShown = 32

// Run executes a program. Its output is the host's own, which the engine shows to the user.
func (h *host) Run(
	ctx context.Context, req *pulumirpc.RunRequest,
) (*pulumirpc.RunResponse, error) {
	cmd, err := h.programCommand(ctx, req)
	if err != nil {
		return nil, err
	}
	err = h.children.run(cmd)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return runResponse(err)
}

func (h *host) programCommand(ctx context.Context, req *pulumirpc.RunRequest) (*exec.Cmd, error) {
	p, err := readyPython(ctx, req.GetInfo())
	if err != nil {
		return nil, err
	}
	environment, err := configEnvironment(req.GetConfig(), req.GetConfigSecretKeys())
	if err != nil {
		return nil, err
	}
	script := filepath.Join(h.directory, "pulumi-language-python-exec")
	arguments := append([]string{"-u", script}, runArguments(req, h.engine.Load().(string))...)
	cmd, err := p.Command(ctx, arguments...)
	if err != nil {
		return nil, err
	}
	cmd.Dir = req.GetInfo().GetProgramDirectory()
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Env = append(p.activate(os.Environ()), environment...)
	return cmd, nil
}

// runArguments are those of pulumi-language-python-exec. It compares dry_run with the text "true" and
// needs a number for parallel; the others may be absent.
func runArguments(req *pulumirpc.RunRequest, engine string) []string {
	info := req.GetInfo()
	arguments := []string{
		"--dry_run", strconv.FormatBool(req.GetDryRun()),
		"--parallel", strconv.Itoa(int(req.GetParallel())),
	}
	for _, pair := range [][2]string{
		{"--monitor", req.GetMonitorAddress()},
		{"--engine", engine},
		{"--project", req.GetProject()},
		{"--stack", req.GetStack()},
		{"--organization", req.GetOrganization()},
		{"--root_directory", info.GetRootDirectory()},
		{"--pwd", req.GetPwd()},
	} {
		if pair[1] != "" {
			arguments = append(arguments, pair[0], pair[1])
		}
	}
	return append(append(arguments, info.GetEntryPoint()), req.GetArgs()...)
}

// configEnvironment carries a stack's configuration. Absent maps become empty ones: the SDK crashes
// on null.
func configEnvironment(config map[string]string, secretKeys []string) ([]string, error) {
	if config == nil {
		config = map[string]string{}
	}
	if secretKeys == nil {
		secretKeys = []string{}
	}
	values, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	keys, err := json.Marshal(secretKeys)
	if err != nil {
		return nil, err
	}
	return []string{
		"PULUMI_CONFIG=" + string(values),
		"PULUMI_CONFIG_SECRET_KEYS=" + string(keys),
	}, nil
}

// runResponse tells the engine how a program ended.
func runResponse(err error) (*pulumirpc.RunResponse, error) {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return &pulumirpc.RunResponse{}, nil
	case !errors.As(err, &exit):
		return nil, fmt.Errorf("the program could not be started: %w", err)
	case exit.ExitCode() == exitErrorShown:
		return &pulumirpc.RunResponse{Bail: true}, nil
	case exit.ExitCode() < 0:
		return &pulumirpc.RunResponse{Error: "program was ended by " + exit.String()}, nil
	default:
		text := fmt.Sprintf("program exited with non-zero exit code: %d", exit.ExitCode())
		return &pulumirpc.RunResponse{Error: text}, nil
	}
}
