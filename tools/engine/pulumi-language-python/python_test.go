package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/structpb"
)

func programInfo(t *testing.T, options map[string]any) *pulumirpc.ProgramInfo {
	t.Helper()
	values, err := structpb.NewStruct(options)
	if err != nil {
		t.Fatal(err)
	}
	return &pulumirpc.ProgramInfo{RootDirectory: "/project", Options: values}
}

func TestVirtualenvIsRelativeToTheProject(t *testing.T) {
	p, err := newPython(programInfo(t, map[string]any{"virtualenv": ".venv", "toolchain": "pip"}))
	if err != nil || p.venv != "/project/.venv" {
		t.Errorf("got %+v, %v, want /project/.venv", p, err)
	}
}

func TestBadRuntimeOptionsAreNamed(t *testing.T) {
	cases := map[string]map[string]any{
		"set `toolchain: pip`":       {"toolchain": "uv"},
		"virtualenv in /project":     {"virtualenv": 3.0},
		`"/project/gone" doesn't ex`: {"virtualenv": "gone"},
	}
	for want, options := range cases {
		_, err := readyPython(t.Context(), programInfo(t, options))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: got %v, want %q in it", options, err, want)
		}
	}
}

func writePlugin(t *testing.T, sitePackages, module, text string) {
	t.Helper()
	folder := filepath.Join(sitePackages, module)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "pulumi-plugin.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestRequiredPackagesAreResourcePluginsSortedByName(t *testing.T) {
	site := t.TempDir()
	writePlugin(t, site, "pulumi_gcp", `{"resource": true, "name": "gcp", "version": "10.2.0"}`)
	writePlugin(t, site, "pulumi_azure_native", `{"resource": true, "version": "3.0.0"}`)
	writePlugin(t, site, "pulumi_policy", `{"resource": false}`)
	got, err := requiredPackages([]string{site})
	if err != nil || len(got) != 2 {
		t.Fatalf("got %v, %v, want two packages", got, err)
	}
	if got[0].GetName() != "azure-native" || got[1].GetName() != "gcp" || got[1].GetVersion() != "10.2.0" {
		t.Errorf("got %v", got)
	}
}

func TestABrokenPluginFileIsNamed(t *testing.T) {
	site := t.TempDir()
	writePlugin(t, site, "pulumi_gcp", `{`)
	if _, err := requiredPackages([]string{site}); err == nil || !strings.Contains(err.Error(), site) {
		t.Errorf("got %v, want the file's path", err)
	}
}
