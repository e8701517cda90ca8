package kitex

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// A running registry is told by ROLLCALL_ADDRESSES, the HTTP addresses of its session servers, separated by commas.
func liveAddresses(t *testing.T) []string {
	addresses := os.Getenv("ROLLCALL_ADDRESSES")
	if addresses == "" {
		t.Skip("ROLLCALL_ADDRESSES names no registry")
	}
	return strings.Split(addresses, ",")
}

func TestLiveWhatRegistersIsFoundAndLeaves(t *testing.T) {
	addresses := liveAddresses(t)
	server, err := NewRegistry(addresses, WithZone("z1"))
	if err != nil {
		t.Fatal(err)
	}
	// Through another session server than the one that registers.
	slices.Reverse(addresses)
	resolver, err := NewResolver(addresses)
	if err != nil {
		t.Fatal(err)
	}
	defer resolver.Close()
	first, second := infoOf("live-demouser", "10.0.0.1:8888"), infoOf("live-demouser", "10.0.0.2:8888")
	if err := server.Register(first); err != nil {
		t.Fatal(err)
	}
	found := func() []string {
		result, err := resolver.Resolve(context.Background(), "live-demouser")
		if err != nil {
			return []string{err.Error()}
		}
		return addressesOf(result.Instances)
	}
	eventuallyWithin(t, time.Second, "it is found", func() bool { return slices.Equal(found(), []string{"10.0.0.1:8888"}) })
	if err := server.Register(second); err != nil {
		t.Fatal(err)
	}
	eventuallyWithin(t, time.Second, "both are found", func() bool { return len(found()) == 2 })
	for _, info := range []string{"10.0.0.1:8888", "10.0.0.2:8888"} {
		if err := server.Deregister(infoOf("live-demouser", info)); err != nil {
			t.Fatal(err)
		}
	}
	eventuallyWithin(t, time.Second, "both are gone", func() bool { return len(found()) == 0 })
}

func TestLiveARegistrationOutlivesItsLeaseAsLongAsItsServerDoes(t *testing.T) {
	addresses := liveAddresses(t)
	server, err := NewRegistry(addresses, WithLease(MinLease))
	if err != nil {
		t.Fatal(err)
	}
	resolver, err := NewResolver(addresses)
	if err != nil {
		t.Fatal(err)
	}
	defer resolver.Close()
	info := infoOf("live-demonote", "10.0.0.1:9999")
	if err := server.Register(info); err != nil {
		t.Fatal(err)
	}
	for until := time.Now().Add(3 * MinLease); time.Now().Before(until); time.Sleep(20 * time.Millisecond) {
		if result, err := resolver.Resolve(context.Background(), "live-demonote"); err != nil || len(result.Instances) != 1 {
			t.Fatalf("it has left: %v, %v", result.Instances, err)
		}
	}
	if err := server.Deregister(info); err != nil {
		t.Fatal(err)
	}
}
