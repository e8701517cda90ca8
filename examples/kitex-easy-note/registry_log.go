package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	etcd "github.com/kitex-contrib/registry-etcd"
	"google.golang.org/grpc"
	"google.golang.org/grpc/stats"
)

// renewed tells, in milliseconds since 1970, when the registry has answered a renewal.
func renewed() { fmt.Printf("renewed at %d\n", time.Now().UnixMilli()) }

// logsEtcd has the connections of registry-etcd be told, and what it hears on its stream of keepalives: it says nothing about either by
// itself.
func logsEtcd(config *etcd.Config) {
	config.EtcdConfig.DialOptions = append(config.EtcdConfig.DialOptions, grpc.WithStatsHandler(etcdLog{}))
}

type etcdLog struct{}

type methodKey struct{}

func (etcdLog) TagRPC(ctx context.Context, info *stats.RPCTagInfo) context.Context {
	return context.WithValue(ctx, methodKey{}, info.FullMethodName)
}

func (etcdLog) HandleRPC(ctx context.Context, told stats.RPCStats) {
	method, _ := ctx.Value(methodKey{}).(string)
	if _, isAnswer := told.(*stats.InPayload); isAnswer && strings.HasSuffix(method, "/LeaseKeepAlive") {
		renewed()
	}
}

func (etcdLog) TagConn(ctx context.Context, told *stats.ConnTagInfo) context.Context {
	fmt.Printf("connected to %s\n", told.RemoteAddr)
	return ctx
}

func (etcdLog) HandleConn(context.Context, stats.ConnStats) {}

// clientThatLogs is for the extension, which renews over HTTP.
func clientThatLogs() *http.Client { return &http.Client{Transport: loggingTransport{}} }

type loggingTransport struct{}

func (loggingTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(request)
	if err == nil && response.StatusCode == http.StatusOK && request.Method == http.MethodPut {
		renewed()
	}
	return response, err
}
