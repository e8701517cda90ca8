// Door registers and finds services through the extension as it is told over its standard input, a line each:
// "register SERVICE ADDRESS", "deregister SERVICE ADDRESS", "find SERVICE". Each is answered with a line of JSON, in order:
// null, the addresses that are found, or what went wrong as a string.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"os"
	"strings"

	"github.com/cloudwego/kitex/pkg/registry"

	rollcall "rollcall/kitex"
)

func main() {
	addresses := os.Args[1:]
	server, err := rollcall.NewRegistry(addresses)
	if err != nil {
		panic(err)
	}
	resolver, err := rollcall.NewResolver(addresses)
	if err != nil {
		panic(err)
	}
	answers := json.NewEncoder(os.Stdout)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		answer, err := do(server, resolver, strings.Fields(lines.Text()))
		if err != nil {
			answer = err.Error()
		}
		if err := answers.Encode(answer); err != nil {
			return
		}
	}
}

func do(server registry.Registry, resolver *rollcall.Resolver, words []string) (any, error) {
	if words[0] == "find" {
		result, err := resolver.Resolve(context.Background(), words[1])
		if err != nil {
			return nil, err
		}
		found := []string{}
		for _, each := range result.Instances {
			found = append(found, each.Address().String())
		}
		return found, nil
	}
	address, err := net.ResolveTCPAddr("tcp", words[2])
	if err != nil {
		return nil, err
	}
	info := &registry.Info{ServiceName: words[1], Addr: address, Weight: 10}
	if words[0] == "register" {
		return nil, server.Register(info)
	}
	return nil, server.Deregister(info)
}
