package kitex

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudwego/kitex/pkg/registry"
)

// short has everything that waits for the outside world wait little.
func short(c *config) {
	c.lease = MinLease
	c.timeouts = timeouts{
		try:      500 * time.Millisecond,
		resolve:  time.Second,
		silence:  time.Second,
		retryMin: 5 * time.Millisecond,
		retryMax: 20 * time.Millisecond,
		idle:     time.Minute,
	}
}

// fakeServer is a session server as far as this package asks it, with what it was asked.
type fakeServer struct {
	*httptest.Server
	mu        sync.Mutex
	asked     []string
	published []publication
	// known are the registerIds that can be renewed.
	known map[string]bool
	// refuse is the status and body of the next answers, unless it is nil.
	refuse  func(request *http.Request) (int, string)
	streams map[chan string]bool
	lastIDs []string
	// opening is what every stream begins with.
	opening string
}

func newFakeServer(t *testing.T) *fakeServer {
	f := &fakeServer{known: map[string]bool{}, streams: map[chan string]bool{}}
	f.Server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(func() {
		f.CloseClientConnections()
		f.Close()
	})
	return f
}

func (f *fakeServer) serve(writer http.ResponseWriter, request *http.Request) {
	f.mu.Lock()
	f.asked = append(f.asked, request.Method+" "+request.URL.Path)
	refuse := f.refuse
	f.mu.Unlock()
	if refuse != nil {
		if status, body := refuse(request); status != 0 {
			writer.WriteHeader(status)
			_, _ = io.WriteString(writer, body)
			return
		}
	}
	switch {
	case request.URL.Path == "/v1/watch":
		f.stream(writer, request)
	case request.Method == http.MethodPost:
		var told publication
		if err := json.NewDecoder(request.Body).Decode(&told); err != nil {
			writer.WriteHeader(http.StatusBadRequest)
			return
		}
		f.mu.Lock()
		f.published = append(f.published, told)
		f.known[told.RegisterID] = true
		f.mu.Unlock()
		writer.WriteHeader(http.StatusCreated)
		_, _ = fmt.Fprintf(writer, `{"registerId":%q}`, told.RegisterID)
	case request.Method == http.MethodPut:
		id := strings.TrimSuffix(strings.TrimPrefix(request.URL.Path, "/v1/publishers/"), "/lease")
		f.mu.Lock()
		isKnown := f.known[id]
		f.mu.Unlock()
		if !isKnown {
			writer.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(writer, `{"code":"NOT_REGISTERED","message":"unknown"}`)
			return
		}
		_, _ = io.WriteString(writer, `{"expiresInMs":1000}`)
	case request.Method == http.MethodDelete:
		f.mu.Lock()
		delete(f.known, strings.TrimPrefix(request.URL.Path, "/v1/publishers/"))
		f.mu.Unlock()
		writer.WriteHeader(http.StatusNoContent)
	}
}

func (f *fakeServer) stream(writer http.ResponseWriter, request *http.Request) {
	lines := make(chan string, 100)
	f.mu.Lock()
	f.streams[lines] = true
	f.lastIDs = append(f.lastIDs, request.Header.Get("last-event-id"))
	opening := f.opening
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		delete(f.streams, lines)
		f.mu.Unlock()
	}()
	writer.WriteHeader(http.StatusOK)
	_, _ = io.WriteString(writer, opening)
	writer.(http.Flusher).Flush()
	for {
		select {
		case <-request.Context().Done():
			return
		case line, isOpen := <-lines:
			if !isOpen {
				return
			}
			_, _ = io.WriteString(writer, line)
			writer.(http.Flusher).Flush()
		}
	}
}

// tell sends a list to all streams, as soon as there is one.
func (f *fakeServer) tell(t *testing.T, id string, isPartial bool, data ...string) {
	t.Helper()
	f.say(t, snapshot(id, isPartial, data))
}

// opensWith has every stream begin with a list.
func (f *fakeServer) opensWith(id string, isPartial bool, data ...string) {
	f.opening = snapshot(id, isPartial, data)
}

func snapshot(id string, isPartial bool, data []string) string {
	publishers := make([]map[string]any, 0, len(data))
	for _, each := range data {
		publishers = append(publishers, map[string]any{"data": []string{each}})
	}
	body, err := json.Marshal(map[string]any{"publishers": publishers, "partial": isPartial})
	if err != nil {
		panic(err)
	}
	return fmt.Sprintf("id: %s\nevent: snapshot\ndata: %s\n\n", id, body)
}

func (f *fakeServer) say(t *testing.T, text string) {
	t.Helper()
	eventually(t, "a stream is open", func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		for lines := range f.streams {
			lines <- text
		}
		return len(f.streams) > 0
	})
}

// cut ends all streams.
func (f *fakeServer) cut() { f.CloseClientConnections() }

func (f *fakeServer) count(what string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	count := 0
	for _, each := range f.asked {
		if strings.HasPrefix(each, what) {
			count++
		}
	}
	return count
}

func (f *fakeServer) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.known = map[string]bool{}
}

// eventually waits until something holds, and fails when it does not within some seconds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	eventuallyWithin(t, 10*time.Second, what, holds)
}

func eventuallyWithin(t *testing.T, within time.Duration, what string, holds func() bool) {
	t.Helper()
	for until := time.Now().Add(within); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("it never came to this: %s", what)
		}
	}
}

func infoOf(service, address string) *registry.Info {
	at, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		panic(err)
	}
	return &registry.Info{ServiceName: service, Addr: at, Weight: 10, Tags: map[string]string{"version": "1.2"}}
}
