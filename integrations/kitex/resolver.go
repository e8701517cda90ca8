package kitex

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/cloudwego/kitex/pkg/discovery"
	"github.com/cloudwego/kitex/pkg/rpcinfo"
)

const resolverName = "rollcall"

var _ discovery.Resolver = (*Resolver)(nil)

// Resolver finds the instances of services; see client.WithResolver. Each service is watched from the first time that it is asked for,
// so every later answer is at hand, and while no session server can be reached it is the last one known.
type Resolver struct {
	api *api
	mu  sync.Mutex
	// watches are those of each service asked for; nil once the resolver is closed.
	watches   map[string]*watch
	balancers []rebalanced
}

// NewResolver makes a resolver of the session servers at these addresses, `host:port` of their HTTP ports or URLs.
func NewResolver(addresses []string, options ...Option) (*Resolver, error) {
	made, err := newAPI(addresses, options)
	if err != nil {
		return nil, err
	}
	return &Resolver{api: made, watches: map[string]*watch{}}, nil
}

// Target is the name of the service.
func (r *Resolver) Target(_ context.Context, target rpcinfo.EndpointInfo) string {
	return target.ServiceName()
}

// Name tells this resolver apart from others.
func (r *Resolver) Name() string { return resolverName }

// Diff tells what has changed of the instances.
func (r *Resolver) Diff(cacheKey string, prev, next discovery.Result) (discovery.Change, bool) {
	return discovery.DefaultDiff(cacheKey, prev, next)
}

// Resolve gives the instances of a service. It waits for the first answer about it, three seconds at most, and is an error where
// nobody has been there so far.
func (r *Resolver) Resolve(ctx context.Context, service string) (discovery.Result, error) {
	watched, err := r.watch(service)
	if err != nil {
		return discovery.Result{}, err
	}
	timer := time.NewTimer(r.api.timeouts.resolve)
	defer timer.Stop()
	select {
	case <-watched.known:
	case <-watched.ended:
		return discovery.Result{}, fmt.Errorf("rollcall: %s is not watched any more", service)
	case <-ctx.Done():
		return discovery.Result{}, fmt.Errorf("rollcall: nothing is known about %s yet: %w", service, ctx.Err())
	case <-timer.C:
		_, _, last := watched.current()
		return discovery.Result{}, fmt.Errorf("rollcall: nothing is known about %s yet: %w", service, errors.Join(errLate, last))
	}
	instances, _, _ := watched.current()
	if len(instances) == 0 && !watched.hadSome() {
		return discovery.Result{}, fmt.Errorf("rollcall: nobody serves %s", service)
	}
	return discovery.Result{Cacheable: true, CacheKey: service, Instances: instances}, nil
}

// Close ends all streams. What is asked afterwards is an error.
func (r *Resolver) Close() error {
	r.mu.Lock()
	watches := r.watches
	r.watches = nil
	r.mu.Unlock()
	for _, each := range watches {
		each.end()
		<-each.ended
	}
	return nil
}

var (
	errClosed = errors.New("rollcall: the resolver is closed")
	errLate   = errors.New("no session server has answered in time")
)

func (r *Resolver) watch(service string) (*watch, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.watches == nil {
		return nil, errClosed
	}
	known := r.watches[service]
	if known == nil {
		known = newWatch(r.api, service, r.changed, r.forget)
		r.watches[service] = known
	}
	known.touch()
	return known, nil
}

// forget is told of a watch that has ended because nobody asked any more.
func (r *Resolver) forget(ended *watch) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.watches[ended.service] == ended {
		delete(r.watches, ended.service)
	}
}

// latest is what is known of the service that a balancer calls so.
func (r *Resolver) latest(cacheKey string) ([]discovery.Instance, bool) {
	service, ok := strings.CutPrefix(cacheKey, resolverName+":")
	if !ok {
		return nil, false
	}
	r.mu.Lock()
	watched := r.watches[service]
	r.mu.Unlock()
	if watched == nil {
		return nil, false
	}
	instances, has, _ := watched.current()
	return instances, has
}

// changed tells the balancers, under the name by which Kitex keeps what belongs to a service.
func (r *Resolver) changed(service string, before, now []discovery.Instance) {
	cacheKey := resolverName + ":" + service
	change, isChange := discovery.DefaultDiff(
		cacheKey,
		discovery.Result{Cacheable: true, CacheKey: cacheKey, Instances: before},
		discovery.Result{Cacheable: true, CacheKey: cacheKey, Instances: now},
	)
	if !isChange {
		return
	}
	r.mu.Lock()
	balancers := append([]rebalanced(nil), r.balancers...)
	r.mu.Unlock()
	for _, each := range balancers {
		each.Rebalance(change)
	}
}
