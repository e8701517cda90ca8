package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/cloudwego/kitex/client"
	"github.com/cloudwego/kitex/pkg/loadbalance"
	"github.com/cloudwego/kitex/pkg/registry"
	etcd "github.com/kitex-contrib/registry-etcd"
	rollcall "rollcall/kitex"
)

const (
	etcdRegistry     = "etcd"
	rollcallRegistry = "rollcall"
)

// etcdLeaseVariable is from where registry-etcd takes the length of a lease.
const etcdLeaseVariable = "KITEX_ETCD_REGISTRY_LEASE_TTL"

// How long callers may go on calling who has left: clients of etcd look every five seconds, those of Rollcall are told at once.
const (
	etcdDrain     = 6 * time.Second
	rollcallDrain = time.Second
)

// newRegistry is where a server registers.
func newRegistry(told settings) (registry.Registry, error) {
	made, drain, err := stockRegistry(told)
	if err != nil {
		return nil, err
	}
	if told.drain > 0 {
		drain = told.drain
	}
	return announced{Registry: made, drain: drain}, nil
}

func stockRegistry(told settings) (registry.Registry, time.Duration, error) {
	switch told.registry {
	case etcdRegistry:
		if told.lease%time.Second != 0 {
			return nil, 0, fmt.Errorf("a lease of etcd lasts whole seconds, not %s", told.lease)
		}
		if told.lease > 0 {
			if err := os.Setenv(etcdLeaseVariable, strconv.Itoa(int(told.lease/time.Second))); err != nil {
				return nil, 0, err
			}
		}
		var options []etcd.Option
		if told.logRegistry {
			options = append(options, logsEtcd)
		}
		made, err := etcd.NewEtcdRegistry(told.addressesOr("127.0.0.1:2379"), options...)
		return made, etcdDrain, err
	case rollcallRegistry:
		var options []rollcall.Option
		if told.lease > 0 {
			options = append(options, rollcall.WithLease(told.lease))
		}
		if told.logRegistry {
			options = append(options, rollcall.WithHTTPClient(clientThatLogs()))
		}
		made, err := rollcall.NewRegistry(told.addressesOr("127.0.0.1:9603"), options...)
		return made, rollcallDrain, err
	}
	return nil, 0, unknownRegistry(told)
}

// discovery is how a client finds servers.
func discovery(told settings) ([]client.Option, error) {
	switch told.registry {
	case etcdRegistry:
		resolver, err := etcd.NewEtcdResolver(told.addressesOr("127.0.0.1:2379"))
		return []client.Option{client.WithResolver(resolver)}, err
	case rollcallRegistry:
		resolver, err := rollcall.NewResolver(told.addressesOr("127.0.0.1:9603"))
		if err != nil {
			return nil, err
		}
		balancer := resolver.Balancer(loadbalance.NewWeightedBalancer())
		return []client.Option{client.WithResolver(resolver), client.WithLoadBalancer(balancer)}, nil
	}
	return nil, unknownRegistry(told)
}

func unknownRegistry(told settings) error {
	return fmt.Errorf("-registry is %s or %s, not %q", etcdRegistry, rollcallRegistry, told.registry)
}

func (told settings) addressesOr(usual string) []string {
	if len(told.addresses) == 0 {
		return []string{usual}
	}
	return told.addresses
}

// announced says when a server is registered and when it has left, and keeps it serving for a while after that: Kitex stops listening as
// soon as it has left, when callers that have not heard of it yet still come.
type announced struct {
	registry.Registry
	drain time.Duration
}

func (a announced) Register(info *registry.Info) error {
	if err := a.Registry.Register(info); err != nil {
		return err
	}
	fmt.Printf("%s is registered at %s\n", info.ServiceName, info.Addr)
	return nil
}

func (a announced) Deregister(info *registry.Info) error {
	err := a.Registry.Deregister(info)
	if err == nil {
		fmt.Printf("%s has left, and goes on serving for %s\n", info.ServiceName, a.drain)
	}
	time.Sleep(a.drain)
	return err
}
