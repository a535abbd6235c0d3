package main

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// GetRequiredPackages names the provider plugins of all Pulumi packages that are installed.
func (h *host) GetRequiredPackages(
	ctx context.Context, req *pulumirpc.GetRequiredPackagesRequest,
) (*pulumirpc.GetRequiredPackagesResponse, error) {
	p, err := readyPython(ctx, req.GetInfo())
	if err != nil {
		return nil, err
	}
	answer, err := h.pythons.ask(ctx, p)
	if err != nil {
		return nil, err
	}
	packages, err := requiredPackages(answer.SitePackages)
	return &pulumirpc.GetRequiredPackagesResponse{Packages: packages}, err
}

func requiredPackages(sitePackages []string) ([]*pulumirpc.PackageDependency, error) {
	var packages []*pulumirpc.PackageDependency
	for _, folder := range sitePackages {
		// Glob fails only on a malformed pattern.
		files, _ := filepath.Glob(filepath.Join(folder, "*", "pulumi-plugin.json"))
		for _, file := range files {
			description, err := plugin.LoadPulumiPluginJSON(file)
			if err != nil {
				return nil, fmt.Errorf("%s is not readable: %w; reinstall its package", file, err)
			}
			if description.Resource {
				packages = append(packages, dependency(filepath.Base(filepath.Dir(file)), description))
			}
		}
	}
	slices.SortFunc(packages, func(a, b *pulumirpc.PackageDependency) int {
		return cmp.Compare(a.GetName(), b.GetName())
	})
	return packages, nil
}

// dependency falls back to the module's name without its prefix: pulumi_azure_native is azure-native.
func dependency(module string, description *plugin.PulumiPluginJSON) *pulumirpc.PackageDependency {
	name := strings.ReplaceAll(strings.TrimPrefix(module, "pulumi_"), "_", "-")
	result := &pulumirpc.PackageDependency{
		Name:    cmp.Or(description.Name, name),
		Kind:    "resource",
		Version: description.Version,
		Server:  description.Server,
	}
	if p := description.Parameterization; p != nil {
		result.Parameterization = &pulumirpc.PackageParameterization{
			Name: p.Name, Version: p.Version, Value: p.Value,
		}
	}
	return result
}
