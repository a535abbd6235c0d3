// Command pulumi-language-python lets a Pulumi engine that was built from source run Python programs
// and policy packs. The engine starts it with its own address as the last argument and reads the port
// to call from the first line of its standard output.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
)

func main() {
	if err := serve(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "pulumi-language-python:", err)
		os.Exit(1)
	}
}

// serve answers the engine until it hangs up, sends a signal or dies.
func serve(args []string) error {
	executable, err := os.Executable()
	if err != nil {
		return fmt.Errorf("could not find its own folder: %w", err)
	}
	host := newHost(engineAddress(args), filepath.Dir(executable))
	go exitOnSignal(host.children)
	go exitWithParent(host.children)
	handle, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{
		Init: func(server *grpc.Server) error {
			pulumirpc.RegisterLanguageRuntimeServer(server, host)
			return nil
		},
	})
	if err != nil {
		return err
	}
	fmt.Println(handle.Port)
	return <-handle.Done
}

// engineAddress returns the last argument unless it is a flag. Flags such as -v=9 or -tracing are for
// logging only and are left unread; an attached host gets its address by Handshake instead.
func engineAddress(args []string) string {
	if len(args) == 0 || strings.HasPrefix(args[len(args)-1], "-") {
		return ""
	}
	return args[len(args)-1]
}

// exitOnSignal ends the children before the host: the engine waits until nobody holds the host's
// output, so a child left alive would cost it its whole grace time of five seconds.
func exitOnSignal(children *children) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	<-signals
	children.close()
	os.Exit(0)
}
