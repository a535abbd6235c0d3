package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"sync"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"github.com/pulumi/pulumi/sdk/v3/python/toolchain"
)

// python is the interpreter that a Pulumi.yaml or PulumiPolicy.yaml asks for.
type python struct {
	toolchain.Toolchain
	venv string // absolute; empty for the interpreter on PATH
}

// newPython reads the runtime options. Only pip's layout is served: the automatic choice upstream
// looks for lock files in every parent folder, and uv's writes uv.lock during a preview.
func newPython(info *pulumirpc.ProgramInfo) (*python, error) {
	options := info.GetOptions().AsMap()
	if name, ok := options["toolchain"]; ok && name != "pip" {
		return nil, fmt.Errorf(
			"runtime option toolchain is %v in %s, but this language host serves only pip: set `toolchain: pip`",
			name, info.GetRootDirectory())
	}
	venv, ok := options["virtualenv"].(string)
	if !ok && options["virtualenv"] != nil {
		return nil, fmt.Errorf("runtime option virtualenv in %s must be a path, not %v",
			info.GetRootDirectory(), options["virtualenv"])
	}
	pip, err := toolchain.ResolveToolchain(toolchain.PythonOptions{
		Root:       info.GetRootDirectory(),
		ProgramDir: info.GetProgramDirectory(),
		Virtualenv: venv,
		Toolchain:  toolchain.Pip,
	})
	if err != nil {
		return nil, err
	}
	path, err := pip.VirtualEnvPath(context.Background())
	return &python{Toolchain: pip, venv: path}, err
}

// readyPython is newPython for calls that need the environment to exist already.
func readyPython(ctx context.Context, info *pulumirpc.ProgramInfo) (*python, error) {
	p, err := newPython(info)
	if err != nil {
		return nil, err
	}
	return p, p.ValidateVenv(ctx)
}

// activate puts the virtual environment into a list of KEY=value.
func (p *python) activate(environment []string) []string {
	if p.venv == "" {
		return environment
	}
	return toolchain.ActivateVirtualEnv(environment, p.venv)
}

// facts are what an interpreter says about itself.
type facts struct {
	Executable   string   `json:"executable"`
	Version      string   `json:"version"`
	SitePackages []string `json:"sitePackages"`
}

const interrogation = `import json, platform, sys, sysconfig
paths = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
print(json.dumps({"executable": sys.executable, "version": platform.python_version(),
                  "sitePackages": sorted(paths)}))`

// interrogator asks each interpreter once: every operation needs the answer at least twice.
type interrogator struct {
	mutex sync.Mutex
	known map[string]facts
}

func newInterrogator() *interrogator {
	return &interrogator{known: map[string]facts{}}
}

func (i *interrogator) ask(ctx context.Context, p *python) (facts, error) {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	if known, ok := i.known[p.venv]; ok {
		return known, nil
	}
	cmd, err := p.Command(ctx, "-I", "-c", interrogation)
	if err != nil {
		return facts{}, err
	}
	answer, err := interrogate(cmd)
	if err == nil {
		i.known[p.venv] = answer
	}
	return answer, err
}

func interrogate(cmd *exec.Cmd) (facts, error) {
	var answer facts
	output, err := cmd.Output()
	if err != nil {
		return answer, fmt.Errorf("%s does not run: %w", cmd.Path, err)
	}
	return answer, json.Unmarshal(output, &answer)
}

func (h *host) About(
	ctx context.Context, req *pulumirpc.AboutRequest,
) (*pulumirpc.AboutResponse, error) {
	p, err := readyPython(ctx, req.GetInfo())
	if err != nil {
		return nil, err
	}
	answer, err := h.pythons.ask(ctx, p)
	if err != nil {
		return nil, err
	}
	return &pulumirpc.AboutResponse{Executable: answer.Executable, Version: answer.Version}, nil
}
