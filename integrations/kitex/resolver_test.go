package kitex

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudwego/kitex/pkg/discovery"
	"github.com/cloudwego/kitex/pkg/loadbalance"
	"github.com/cloudwego/kitex/pkg/loadbalance/lbcache"
	"github.com/cloudwego/kitex/pkg/rpcinfo"
)

const (
	one   = "tcp://10.0.0.1:80?weight=10"
	two   = "tcp://10.0.0.2:80?weight=10"
	three = "http://10.0.0.3:80"
)

func newTestResolver(t *testing.T, addresses ...string) *Resolver {
	t.Helper()
	made, err := NewResolver(addresses, short)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = made.Close() })
	return made
}

func resolved(t *testing.T, resolver *Resolver) []string {
	t.Helper()
	result, err := resolver.Resolve(context.Background(), "demouser")
	if err != nil {
		t.Fatal(err)
	}
	return addressesOf(result.Instances)
}

func addressesOf(instances []discovery.Instance) []string {
	addresses := []string{}
	for _, each := range instances {
		addresses = append(addresses, each.Address().String())
	}
	slices.Sort(addresses)
	return addresses
}

func TestResolvesWithTheFirstAnswer(t *testing.T) {
	server := newFakeServer(t)
	resolver := newTestResolver(t, server.URL)
	server.opensWith("1", false, one, two, three, "no endpoint", "tcp://10.0.0.4:80?weight=0", one)
	if got := resolved(t, resolver); !slices.Equal(got, []string{"10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"}) {
		t.Errorf("resolved %v", got)
	}
	if got := server.count("GET /v1/watch"); got != 1 {
		t.Errorf("%d streams were opened", got)
	}
}

func TestIsToldOfChangesAndGoesOnElsewhere(t *testing.T) {
	first, second := newFakeServer(t), newFakeServer(t)
	resolver := newTestResolver(t, first.URL, second.URL)
	first.opensWith("7", false, one)
	resolved(t, resolver)
	first.tell(t, "8", false, one, two)
	eventually(t, "the change is known", func() bool { return len(resolved(t, resolver)) == 2 })
	first.cut()
	eventually(t, "the stream goes on elsewhere", func() bool { return second.count("GET /v1/watch") == 1 })
	if got := second.lastIDs[0]; got != "8" {
		t.Errorf("asked for what is newer than %q", got)
	}
	second.say(t, ": unchanged\n\n")
	second.tell(t, "9", false, two)
	eventually(t, "the change is known", func() bool { return len(resolved(t, resolver)) == 1 })
}

func TestAListOfWhichSomebodyMayBeMissingTakesNobodyAway(t *testing.T) {
	server := newFakeServer(t)
	resolver := newTestResolver(t, server.URL)
	server.opensWith("1", true, one)
	if got := resolved(t, resolver); len(got) != 1 {
		t.Errorf("resolved %v", got)
	}
	server.tell(t, "2", false, one, two)
	eventually(t, "all are known", func() bool { return len(resolved(t, resolver)) == 2 })
	server.tell(t, "3", true, one)
	server.tell(t, "4", false, one, two, three)
	eventually(t, "the last is known", func() bool { return len(resolved(t, resolver)) == 3 })
}

func TestIsAnErrorWhereNothingIsKnown(t *testing.T) {
	server := newFakeServer(t)
	resolver := newTestResolver(t, server.URL)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := resolver.Resolve(ctx, "demouser"); err == nil || !strings.Contains(err.Error(), "nothing is known") {
		t.Errorf("resolved with %v", err)
	}
	server.tell(t, "1", false)
	eventually(t, "the empty list is known", func() bool {
		_, err := resolver.Resolve(context.Background(), "demouser")
		return err != nil && strings.Contains(err.Error(), "nobody serves")
	})
	_ = resolver.Close()
	if _, err := resolver.Resolve(context.Background(), "demouser"); err == nil {
		t.Error("a closed resolver resolves")
	}
}

func TestAStreamThatSaysNothingIsGivenUp(t *testing.T) {
	first, second := newFakeServer(t), newFakeServer(t)
	resolver := newTestResolver(t, first.URL, second.URL)
	first.opensWith("1", false, one)
	resolved(t, resolver)
	eventually(t, "another is asked", func() bool { return second.count("GET /v1/watch") >= 1 })
}

func TestAServiceThatNobodyAsksForIsNotWatched(t *testing.T) {
	server := newFakeServer(t)
	made, err := NewResolver([]string{server.URL}, short, func(c *config) { c.timeouts.idle = 50 * time.Millisecond })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = made.Close() })
	server.opensWith("1", false, one)
	if _, err := made.Resolve(context.Background(), "demouser"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the stream is closed", func() bool {
		server.mu.Lock()
		for lines := range server.streams {
			select {
			case lines <- ": heartbeat\n\n":
			default:
			}
		}
		left := len(server.streams)
		server.mu.Unlock()
		return left == 0
	})
	eventually(t, "it is forgotten", func() bool {
		made.mu.Lock()
		defer made.mu.Unlock()
		return len(made.watches) == 0
	})
}

// Kitex's own cache is asked as a client of Kitex asks it for every call.
func TestBalancesOverTheNewestInstancesAtOnce(t *testing.T) {
	for _, inner := range []loadbalance.Loadbalancer{
		loadbalance.NewWeightedBalancer(),
		loadbalance.NewWeightedRandomBalancer(),
		plain{},
	} {
		t.Run(inner.Name(), func(t *testing.T) {
			server := newFakeServer(t)
			resolver := newTestResolver(t, server.URL)
			// Kitex would ask again in an hour.
			cache := lbcache.NewBalancerFactory(resolver, resolver.Balancer(inner), lbcache.Options{RefreshInterval: time.Hour})
			server.opensWith("1", false, one)
			chosen := func() string {
				balancer, err := cache.Get(context.Background(), rpcinfo.NewEndpointInfo("demouser", "", nil, nil))
				if err != nil {
					t.Fatal(err)
				}
				instance := balancer.GetPicker().Next(context.Background(), nil)
				if instance == nil {
					return ""
				}
				return instance.Address().String()
			}
			if got := chosen(); got != "10.0.0.1:80" {
				t.Errorf("chose %q", got)
			}
			server.tell(t, "2", false, two)
			eventually(t, "the newest is chosen", func() bool { return chosen() == "10.0.0.2:80" })
			for range 20 {
				if got := chosen(); got != "10.0.0.2:80" {
					t.Errorf("chose %q, which is gone", got)
				}
			}
			server.tell(t, "3", false)
			eventually(t, "nobody is chosen", func() bool { return chosen() == "" })
		})
	}
}

// plain is a balancer that keeps nothing and so needs to be told nothing.
type plain struct{}

func (plain) Name() string { return "plain" }

func (plain) GetPicker(result discovery.Result) loadbalance.Picker { return firstOf(result.Instances) }

type firstOf []discovery.Instance

func (instances firstOf) Next(context.Context, any) discovery.Instance {
	if len(instances) == 0 {
		return nil
	}
	return instances[0]
}
