package kitex

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// maxAnswerBytes bounds what is read of one answer; the registry's own limit for a list is lower.
const maxAnswerBytes = 64 << 20

// APIError is a refusal by the registry, with its stable code, such as READ_ONLY.
type APIError struct {
	Status  int    `json:"-"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (e *APIError) Error() string { return fmt.Sprintf("rollcall: %s: %s", e.Code, e.Message) }

// isElsewhere tells whether another session server, or the same one later, may answer otherwise.
func (e *APIError) isElsewhere() bool {
	return e.Status == http.StatusServiceUnavailable || e.Status == http.StatusTooManyRequests || e.Status >= 500
}

// api asks session servers over HTTP: the one that answered last, and where that fails each of the others.
type api struct {
	config
	bases   []string
	current atomic.Uint32
}

func newAPI(addresses []string, options []Option) (*api, error) {
	made := &api{config: configOf(options)}
	for _, address := range addresses {
		base := strings.TrimRight(strings.TrimSpace(address), "/")
		if base == "" {
			return nil, errors.New("rollcall: an address of a session server is empty")
		}
		if !strings.Contains(base, "://") {
			base = "http://" + base
		}
		made.bases = append(made.bases, base)
	}
	if len(made.bases) == 0 {
		return nil, errors.New("rollcall: no address of a session server is given")
	}
	if made.lease < MinLease || made.lease > MaxLease {
		return nil, fmt.Errorf("rollcall: a lease lasts from %s to %s, not %s", MinLease, MaxLease, made.lease)
	}
	return made, nil
}

// do sends a request to one session server after the other until one answers what another would not better. An answer that
// is no error is decoded into `into`, unless that is nil.
func (a *api) do(ctx context.Context, method, path string, body, into any) error {
	var encoded []byte
	if body != nil {
		var err error
		if encoded, err = json.Marshal(body); err != nil {
			return err
		}
	}
	first := a.current.Load()
	var last error
	for i := range a.bases {
		index := (first + uint32(i)) % uint32(len(a.bases))
		err := a.try(ctx, method, a.bases[index]+path, encoded, into)
		var refusal *APIError
		if err == nil || (errors.As(err, &refusal) && !refusal.isElsewhere()) {
			a.current.CompareAndSwap(first, index)
			return err
		}
		last = err
		if ctx.Err() != nil {
			break
		}
	}
	return last
}

func (a *api) try(ctx context.Context, method, url string, body []byte, into any) error {
	ctx, cancel := context.WithTimeout(ctx, a.timeouts.try)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if body != nil {
		request.Header.Set("content-type", "application/json")
	}
	response, err := a.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(io.LimitReader(response.Body, maxAnswerBytes))
	if err != nil {
		return err
	}
	if response.StatusCode >= 300 {
		return refusalOf(response.StatusCode, content)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(content, into)
}

func refusalOf(status int, content []byte) *APIError {
	refusal := &APIError{}
	if json.Unmarshal(content, refusal) != nil || refusal.Code == "" {
		refusal.Code, refusal.Message = "HTTP_STATUS", http.StatusText(status)
	}
	refusal.Status = status
	return refusal
}

// moveOn has the next request begin with another session server than the one at `from`.
func (a *api) moveOn(from uint32) { a.current.CompareAndSwap(from, (from+1)%uint32(len(a.bases))) }

// pause waits, longer with every attempt, and tells whether the context still lives.
func (a *api) pause(ctx context.Context, attempt int) bool {
	wait := a.timeouts.retryMin << min(attempt, 10)
	timer := time.NewTimer(min(wait, a.timeouts.retryMax))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
