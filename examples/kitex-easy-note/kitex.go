package main

import (
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"net"
	"time"

	"github.com/cloudwego/kitex/client"
	"github.com/cloudwego/kitex/client/genericclient"
	"github.com/cloudwego/kitex/pkg/connpool"
	"github.com/cloudwego/kitex/pkg/generic"
	"github.com/cloudwego/kitex/pkg/rpcinfo"
	"github.com/cloudwego/kitex/server"
	"github.com/cloudwego/kitex/server/genericserver"
)

// The names under which the services register, which are those of CloudWeGo's easy_note.
const (
	userService = "demouser"
	noteService = "demonote"
)

const (
	callTimeout    = 3 * time.Second
	connectTimeout = 500 * time.Millisecond
)

// idls are what the services speak. They are read when a service starts, so no code is generated of them.
//
//go:embed idl/*.thrift
var idls embed.FS

var idlFiles = map[string]string{userService: "idl/user.thrift", noteService: "idl/note.thrift"}

// thriftOf speaks a service's Thrift with requests and responses that are JSON.
func thriftOf(service string) (generic.Generic, error) {
	idl, err := idls.ReadFile(idlFiles[service])
	if err != nil {
		return nil, err
	}
	provider, err := generic.NewThriftContentProvider(string(idl), nil)
	if err != nil {
		return nil, err
	}
	return generic.JSONThriftGeneric(provider)
}

// methods are those of a service, by their names: each takes a request as JSON and makes the response.
type methods map[string]func(ctx context.Context, request []byte) (any, error)

// GenericCall has the method carry out the request.
func (m methods) GenericCall(ctx context.Context, method string, request any) (any, error) {
	encoded, ok := request.(string)
	call := m[method]
	if !ok || call == nil {
		return nil, fmt.Errorf("there is no method %s of JSON", method)
	}
	response, err := call(ctx, []byte(encoded))
	if err != nil {
		return nil, err
	}
	made, err := json.Marshal(response)
	return string(made), err
}

// method reads the request for a function that makes the response.
func method[Request, Response any](make func(context.Context, Request) (Response, error)) func(context.Context, []byte) (any, error) {
	return func(ctx context.Context, encoded []byte) (any, error) {
		var request Request
		if err := json.Unmarshal(encoded, &request); err != nil {
			return nil, err
		}
		return make(ctx, request)
	}
}

// serve runs a Kitex server until a signal ends it: it then leaves the registry, and stops listening after that.
func serve(service string, told settings, listener net.Listener, served methods) error {
	registry, err := newRegistry(told)
	if err != nil {
		return err
	}
	thrift, err := thriftOf(service)
	if err != nil {
		return err
	}
	return genericserver.NewServer(served, thrift,
		server.WithServerBasicInfo(&rpcinfo.EndpointBasicInfo{ServiceName: service}),
		server.WithListener(listener),
		server.WithRegistry(registry),
	).Run()
}

// caller calls a service, wherever the registry says that it is.
type caller struct{ client genericclient.Client }

func newCaller(service string, told settings) (caller, error) {
	options, err := discovery(told)
	if err != nil {
		return caller{}, err
	}
	thrift, err := thriftOf(service)
	if err != nil {
		return caller{}, err
	}
	made, err := genericclient.NewClient(service, thrift, append(options,
		client.WithRPCTimeout(callTimeout),
		client.WithConnectTimeout(connectTimeout),
		client.WithLongConnection(connpool.IdleConfig{MaxIdlePerAddress: 10, MaxIdleGlobal: 100, MaxIdleTimeout: time.Minute}),
		// An error names the instance that was called.
		client.WithErrorHandler(client.ClientErrorHandlerWithAddr),
	)...)
	return caller{client: made}, err
}

func (c caller) call(ctx context.Context, method string, request, into any) error {
	encoded, err := json.Marshal(request)
	if err != nil {
		return err
	}
	response, err := c.client.GenericCall(ctx, method, string(encoded))
	if err != nil {
		return err
	}
	made, ok := response.(string)
	if !ok {
		return fmt.Errorf("%s answers %T, not JSON", method, response)
	}
	return json.Unmarshal([]byte(made), into)
}
