package kitex

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloudwego/kitex/pkg/discovery"
	"github.com/cloudwego/kitex/pkg/klog"
)

// list is what is told of a service: who publishes it, each with its endpoints.
type list struct {
	Publishers []struct {
		Data []string `json:"data"`
	} `json:"publishers"`
	// Partial tells that somebody may be missing.
	Partial bool `json:"partial"`
}

// watch is told of a service, by one session server after the other, until it ends.
type watch struct {
	api     *api
	service string
	// changed is told of every list after the first, with the one before.
	changed func(service string, before, now []discovery.Instance)
	// known is closed with the first list.
	known chan struct{}
	ended chan struct{}
	end   context.CancelFunc
	// used is when somebody has asked last, in nanoseconds since 1970.
	used atomic.Int64

	mu        sync.RWMutex
	instances []discovery.Instance
	has       bool
	complete  bool
	// some tells that the list was not always empty.
	some bool
	// lastID says what is known, so that another session server tells only what is newer.
	lastID string
	// lastError is why the service is not known yet.
	lastError error
}

func newWatch(a *api, service string, changed func(string, []discovery.Instance, []discovery.Instance), onEnd func(*watch)) *watch {
	ctx, end := context.WithCancel(context.Background())
	made := &watch{api: a, service: service, changed: changed, known: make(chan struct{}), ended: make(chan struct{}), end: end}
	made.touch()
	go func() {
		defer close(made.ended)
		defer onEnd(made)
		made.run(ctx)
	}()
	return made
}

func (w *watch) touch() { w.used.Store(time.Now().UnixNano()) }

func (w *watch) isIdle() bool { return time.Since(time.Unix(0, w.used.Load())) > w.api.timeouts.idle }

// current is the newest list, or why there is none.
func (w *watch) current() ([]discovery.Instance, bool, error) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.instances, w.has, w.lastError
}

func (w *watch) hadSome() bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.some
}

func (w *watch) run(ctx context.Context) {
	for attempt := 0; ctx.Err() == nil && !w.isIdle(); attempt++ {
		from := w.api.current.Load()
		heard, err := w.follow(ctx, w.api.bases[from%uint32(len(w.api.bases))])
		if ctx.Err() != nil {
			return
		}
		w.api.moveOn(from)
		w.mu.Lock()
		w.lastError = err
		w.mu.Unlock()
		if heard {
			attempt = 0
			klog.Infof("rollcall: the stream about %s has ended and is opened elsewhere: %v", w.service, err)
		}
		// All others are asked at once before anybody is asked again.
		if (attempt+1)%len(w.api.bases) == 0 && !w.api.pause(ctx, attempt/len(w.api.bases)) {
			return
		}
	}
}

// follow reads one stream to its end, and tells whether anything came and why it ended.
func (w *watch) follow(ctx context.Context, base string) (heard bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	silence := time.AfterFunc(w.api.timeouts.try, cancel)
	defer silence.Stop()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/v1/watch?"+w.query().Encode(), nil)
	if err != nil {
		return false, err
	}
	if w.lastID != "" {
		request.Header.Set("last-event-id", w.lastID)
	}
	response, err := w.api.client.Do(request)
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return false, &APIError{Status: response.StatusCode, Code: "HTTP_STATUS", Message: response.Status}
	}
	silence.Reset(w.api.timeouts.silence)
	err = events(response.Body, func(next event) {
		heard = true
		silence.Reset(w.api.timeouts.silence)
		if next.comment == "" {
			w.take(next)
		} else if w.isIdle() {
			cancel()
		}
	})
	return heard, err
}

func (w *watch) query() url.Values {
	query := url.Values{"dataId": {w.service}}
	for name, value := range map[string]string{"group": w.api.group, "instanceId": w.api.instanceID, "zone": w.api.zone} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return query
}

// take holds what an event tells. A list of which somebody may be missing never takes anybody away.
func (w *watch) take(next event) {
	if next.name != "snapshot" {
		return
	}
	var told list
	if err := json.Unmarshal([]byte(next.data), &told); err != nil {
		klog.Warnf("rollcall: what was told about %s cannot be read: %s", w.service, err)
		return
	}
	now := instancesOf(told)
	w.mu.Lock()
	w.lastID = next.id
	if told.Partial && w.complete {
		w.mu.Unlock()
		return
	}
	before, isFirst := w.instances, !w.has
	w.instances, w.has, w.complete, w.lastError = now, true, !told.Partial, nil
	w.some = w.some || len(now) > 0
	w.mu.Unlock()
	if isFirst {
		close(w.known)
	} else {
		w.changed(w.service, before, now)
	}
}

// instancesOf reads every endpoint once, whoever publishes it.
func instancesOf(told list) []discovery.Instance {
	instances := []discovery.Instance{}
	seen := map[string]bool{}
	for _, publisher := range told.Publishers {
		for _, data := range publisher.Data {
			instance, ok := instanceOf(data)
			if !ok || seen[instance.Address().String()] {
				continue
			}
			seen[instance.Address().String()] = true
			instances = append(instances, instance)
		}
	}
	return instances
}
