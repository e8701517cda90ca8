package kitex

import (
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/cloudwego/kitex/pkg/klog"
)

func TestMain(m *testing.M) {
	klog.SetOutput(io.Discard)
	m.Run()
}

func newTestRegistry(t *testing.T, addresses ...string) *Registry {
	t.Helper()
	made, err := NewRegistry(addresses, short, WithZone("z1"))
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestRegistersAsAnEndpoint(t *testing.T) {
	server := newFakeServer(t)
	registry := newTestRegistry(t, server.URL)
	info := infoOf("demouser", "10.0.0.7:8888")
	if err := registry.Register(info); err != nil {
		t.Fatal(err)
	}
	told := server.published[0]
	if told.DataID != "demouser" || told.Zone != "z1" || told.LeaseMs != 1000 {
		t.Errorf("published as %+v", told)
	}
	if told.Data[0] != "tcp://10.0.0.7:8888?version=1.2&weight=10" {
		t.Errorf("published %q", told.Data[0])
	}
	if err := registry.Deregister(info); err != nil {
		t.Fatal(err)
	}
	if len(server.known) != 0 || server.count("DELETE ") != 1 {
		t.Errorf("still registered: %v", server.known)
	}
}

func TestRenewsAndRegistersAnewWhatIsNotKnownAnyMore(t *testing.T) {
	server := newFakeServer(t)
	registry := newTestRegistry(t, server.URL)
	info := infoOf("demouser", "10.0.0.7:8888")
	if err := registry.Register(info); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is renewed", func() bool { return server.count("PUT ") >= 2 })
	server.forget()
	eventually(t, "it is registered anew", func() bool { return server.count("POST ") == 2 })
	if err := registry.Deregister(info); err != nil {
		t.Fatal(err)
	}
}

func TestGoesOnThroughAnotherServer(t *testing.T) {
	first, second := newFakeServer(t), newFakeServer(t)
	registry := newTestRegistry(t, first.URL, second.URL)
	info := infoOf("demouser", "10.0.0.7:8888")
	if err := registry.Register(info); err != nil {
		t.Fatal(err)
	}
	second.mu.Lock()
	second.known[first.published[0].RegisterID] = true
	second.mu.Unlock()
	first.CloseClientConnections()
	first.Close()
	eventually(t, "it is renewed elsewhere", func() bool { return second.count("PUT ") >= 2 })
	if second.count("POST ") != 0 {
		t.Error("it was registered anew, although the registry knows it")
	}
	if err := registry.Deregister(info); err != nil {
		t.Fatal(err)
	}
}

func TestASlotWithoutLeaderIsWaitedFor(t *testing.T) {
	server := newFakeServer(t)
	isReady := false
	server.refuse = func(*http.Request) (int, string) {
		if isReady {
			return 0, ""
		}
		return http.StatusServiceUnavailable, `{"code":"NO_LEADER","message":"not yet"}`
	}
	registry := newTestRegistry(t, server.URL)
	info := infoOf("demouser", "10.0.0.7:8888")
	if err := registry.Register(info); err != nil {
		t.Fatalf("Kitex would end the server: %s", err)
	}
	eventually(t, "it is tried again", func() bool { return server.count("POST ") >= 3 })
	server.mu.Lock()
	server.refuse = nil
	server.mu.Unlock()
	eventually(t, "it is registered", func() bool {
		server.mu.Lock()
		defer server.mu.Unlock()
		return len(server.known) == 1
	})
	if err := registry.Deregister(info); err != nil {
		t.Fatal(err)
	}
}

func TestTellsARefusal(t *testing.T) {
	server := newFakeServer(t)
	server.refuse = func(*http.Request) (int, string) {
		return http.StatusBadRequest, `{"code":"INVALID_NAME","message":"no name"}`
	}
	err := newTestRegistry(t, server.URL).Register(infoOf("demouser", "10.0.0.7:8888"))
	var refusal *APIError
	if !errors.As(err, &refusal) || refusal.Code != "INVALID_NAME" {
		t.Errorf("refused with %v", err)
	}
}

func TestWhatCannotBeRegistered(t *testing.T) {
	server := newFakeServer(t)
	registry := newTestRegistry(t, server.URL)
	nameless := infoOf("", "10.0.0.7:8888")
	weighted := infoOf("demouser", "10.0.0.7:8888")
	weighted.Tags["weight"] = "7"
	for name, err := range map[string]error{
		"nothing":            registry.Register(nil),
		"no name":            registry.Register(nameless),
		"a tag named weight": registry.Register(weighted),
	} {
		if err == nil {
			t.Errorf("%s was registered", name)
		}
	}
	if err := registry.Deregister(nameless); err != nil {
		t.Errorf("what was never registered could not be removed: %s", err)
	}
	for name, addresses := range map[string][]string{"none": {}, "an empty one": {" "}} {
		if _, err := NewRegistry(addresses); err == nil {
			t.Errorf("addresses: %s: taken", name)
		}
	}
	if _, err := NewRegistry([]string{"a:1"}, WithLease(0)); err == nil {
		t.Error("a lease of nothing was taken")
	}
}
