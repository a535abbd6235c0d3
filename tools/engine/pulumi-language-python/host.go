package main

import (
	"context"
	"sync/atomic"

	"github.com/pulumi/pulumi/sdk/v3/go/common/version"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/emptypb"
)

// host serves pulumirpc.LanguageRuntime. Calls that only code generators and package authors need
// answer Unimplemented, which the engine accepts.
type host struct {
	pulumirpc.UnimplementedLanguageRuntimeServer

	engine    atomic.Value // string: the engine's address, for the program's log messages
	directory string       // where pulumi-language-python-exec lies
	children  *children
	pythons   *interrogator
}

func newHost(engine, directory string) *host {
	h := &host{directory: directory, children: newChildren(), pythons: newInterrogator()}
	h.engine.Store(engine)
	return h
}

func (h *host) Handshake(
	_ context.Context, req *pulumirpc.LanguageHandshakeRequest,
) (*pulumirpc.LanguageHandshakeResponse, error) {
	h.engine.Store(req.GetEngineAddress())
	return &pulumirpc.LanguageHandshakeResponse{}, nil
}

func (h *host) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: version.Version}, nil
}

// GetProgramDependencies answers with no rows: only the table of `pulumi about` asks.
func (h *host) GetProgramDependencies(
	context.Context, *pulumirpc.GetProgramDependenciesRequest,
) (*pulumirpc.GetProgramDependenciesResponse, error) {
	return &pulumirpc.GetProgramDependenciesResponse{}, nil
}

// Cancel ends what runs. The host goes on: an attached one is cancelled whenever an engine hangs up.
func (h *host) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	h.children.stopAll()
	return &emptypb.Empty{}, nil
}
