package main

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"strconv"

	sdk "github.com/pulumi/pulumi/sdk/v3"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const kindPolicyPack = "analyzer"

// RunPlugin executes a policy pack and streams its output. Other kinds, which are providers written in
// Python, are not served: the engine finds the providers that this project needs as plugins of their own.
func (h *host) RunPlugin(
	req *pulumirpc.RunPluginRequest, server pulumirpc.LanguageRuntime_RunPluginServer,
) error {
	if req.GetKind() != kindPolicyPack {
		return status.Errorf(codes.Unimplemented,
			"this language host runs policy packs, not plugin %s of kind %q", req.GetName(), req.GetKind())
	}
	p, err := readyPython(server.Context(), req.GetInfo())
	if err != nil {
		return err
	}
	closer, stdout, stderr, err := rpcutil.MakeRunPluginStreams(server, false)
	if err != nil {
		return err
	}
	defer closer.Close()
	return sendExitCode(server, h.runPolicyPack(server.Context(), p, req, stdout, stderr))
}

// runPolicyPack stands between the engine, which tells stack and configuration by call, and the pack,
// which reads them from its environment when it starts.
func (h *host) runPolicyPack(
	ctx context.Context, p *python, req *pulumirpc.RunPluginRequest, stdout, stderr io.Writer,
) error {
	proxy, packStdout, err := sdk.NewPolicyProxy(ctx, stdout)
	if err != nil {
		return err
	}
	stack, err := proxy.AwaitConfiguration(ctx)
	if err != nil {
		return err
	}
	cmd, err := packCommand(ctx, p, req, stack)
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = packStdout, stderr
	if err := h.children.start(cmd); err != nil {
		return err
	}
	defer h.children.forget(cmd)
	return proxy.Attach(ctx, cmd) // waits for the pack's end
}

func packCommand(
	ctx context.Context,
	p *python,
	req *pulumirpc.RunPluginRequest,
	stack *pulumirpc.AnalyzerStackConfigureRequest,
) (*exec.Cmd, error) {
	directory := req.GetInfo().GetProgramDirectory()
	arguments := append([]string{"-u", "-m", "pulumi.policy"}, req.GetArgs()...)
	cmd, err := p.Command(ctx, append(arguments, directory)...)
	if err != nil {
		return nil, err
	}
	environment, err := packEnvironment(stack)
	if err != nil {
		return nil, err
	}
	cmd.Dir = directory
	cmd.Env = append(p.activate(req.GetEnv()), environment...)
	return cmd, nil
}

// packEnvironment is empty when the engine names no stack, as in `pulumi policy publish`.
func packEnvironment(stack *pulumirpc.AnalyzerStackConfigureRequest) ([]string, error) {
	if stack == nil {
		return nil, nil
	}
	environment, err := configEnvironment(stack.GetConfig(), stack.GetConfigSecretKeys())
	return append(environment,
		"PULUMI_ORGANIZATION="+stack.GetOrganization(),
		"PULUMI_PROJECT="+stack.GetProject(),
		"PULUMI_STACK="+stack.GetStack(),
		"PULUMI_DRY_RUN="+strconv.FormatBool(stack.GetDryRun()),
	), err
}

// sendExitCode ends a plugin's stream: an exit code if the plugin ran, else the error itself.
func sendExitCode(server pulumirpc.LanguageRuntime_RunPluginServer, err error) error {
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		return err
	}
	return server.Send(&pulumirpc.RunPluginResponse{
		Output: &pulumirpc.RunPluginResponse_Exitcode{Exitcode: int32(code)},
	})
}
