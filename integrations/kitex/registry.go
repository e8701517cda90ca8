package kitex

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/cloudwego/kitex/pkg/klog"
	"github.com/cloudwego/kitex/pkg/registry"
)

var _ registry.Registry = (*Registry)(nil)

// Registry registers Kitex servers; see server.WithRegistry. It never gives up: a registration that the registry does not know any
// more is made anew, and while no session server can be reached, it is tried again until one can.
type Registry struct {
	api  *api
	mu   sync.Mutex
	held map[string]*registration
}

// registration is what is kept alive of one server.
type registration struct {
	publication publication
	registerID  string
	stop        context.CancelFunc
	stopped     chan struct{}
}

type publication struct {
	DataID     string   `json:"dataId"`
	Group      string   `json:"group,omitempty"`
	InstanceID string   `json:"instanceId,omitempty"`
	Zone       string   `json:"zone,omitempty"`
	AppName    string   `json:"appName,omitempty"`
	RegisterID string   `json:"registerId"`
	Data       []string `json:"data"`
	LeaseMs    int64    `json:"leaseMs"`
}

type published struct {
	RegisterID string `json:"registerId"`
}

// NewRegistry makes a registry of the session servers at these addresses, `host:port` of their HTTP ports or URLs. One is enough;
// several let registrations outlive any of them.
func NewRegistry(addresses []string, options ...Option) (*Registry, error) {
	made, err := newAPI(addresses, options)
	if err != nil {
		return nil, err
	}
	return &Registry{api: made, held: map[string]*registration{}}, nil
}

// Register publishes the server under the name of its service and keeps that alive. It returns when the registry has it, or with the
// refusal. Where no session server can be asked it returns as well, since Kitex would end the server otherwise, and goes on trying.
func (r *Registry) Register(info *registry.Info) error {
	endpoint, err := urlOf(info)
	if err != nil {
		return err
	}
	if info.ServiceName == "" {
		return errors.New("rollcall: a registration has no name of a service")
	}
	key := keyOf(info)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.end(key)
	made := &registration{
		publication: publication{
			DataID:     info.ServiceName,
			Group:      r.api.group,
			InstanceID: r.api.instanceID,
			Zone:       r.api.zone,
			AppName:    r.api.appName,
			// Whoever starts again at the same address takes the place of the former, whose lease may not have ended.
			RegisterID: "kitex-" + info.Addr.Network() + "-" + hostOf(endpoint),
			Data:       []string{endpoint},
			LeaseMs:    r.api.lease.Milliseconds(),
		},
		stopped: make(chan struct{}),
	}
	if err := r.publish(context.Background(), made); err != nil {
		var refusal *APIError
		if errors.As(err, &refusal) && !refusal.isElsewhere() {
			return err
		}
		klog.Warnf("rollcall: %s could not be registered yet: %s", info.ServiceName, err)
	}
	ctx, stop := context.WithCancel(context.Background())
	made.stop = stop
	r.held[key] = made
	go r.keepAlive(ctx, made)
	return nil
}

// Deregister removes the server from the registry, and returns when that is done, or why it could not be: its lease ends then.
func (r *Registry) Deregister(info *registry.Info) error {
	if info == nil || info.Addr == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	known := r.end(keyOf(info))
	if known == nil || known.registerID == "" {
		return nil
	}
	return r.api.do(context.Background(), http.MethodDelete, pathOf(known.registerID), nil, nil)
}

// end stops keeping a registration alive, and waits for what is under way: it must not come after the removal.
func (r *Registry) end(key string) *registration {
	known := r.held[key]
	if known == nil {
		return nil
	}
	delete(r.held, key)
	known.stop()
	<-known.stopped
	return known
}

func (r *Registry) publish(ctx context.Context, made *registration) error {
	var answer published
	if err := r.api.do(ctx, http.MethodPost, "/v1/publishers", made.publication, &answer); err != nil {
		return err
	}
	made.registerID = answer.RegisterID
	return nil
}

func (r *Registry) keepAlive(ctx context.Context, made *registration) {
	defer close(made.stopped)
	ticker := time.NewTicker(r.api.lease / 3)
	defer ticker.Stop()
	for {
		for attempt := 0; ; attempt++ {
			err := r.renew(ctx, made)
			if err == nil || ctx.Err() != nil {
				break
			}
			klog.Warnf("rollcall: the registration of %s could not be renewed: %s", made.publication.DataID, err)
			if !r.api.pause(ctx, attempt) {
				return
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// renew keeps the registration, or makes it anew where the registry does not know it.
func (r *Registry) renew(ctx context.Context, made *registration) error {
	if made.registerID == "" {
		return r.publish(ctx, made)
	}
	err := r.api.do(ctx, http.MethodPut, pathOf(made.registerID)+"/lease", nil, nil)
	var refusal *APIError
	if errors.As(err, &refusal) && refusal.Status == http.StatusNotFound {
		klog.Warnf("rollcall: the registration of %s is not known any more and is made anew", made.publication.DataID)
		return r.publish(ctx, made)
	}
	return err
}

func keyOf(info *registry.Info) string { return info.ServiceName + "\n" + info.Addr.String() }

func pathOf(registerID string) string { return "/v1/publishers/" + url.PathEscape(registerID) }

func hostOf(endpoint string) string {
	parsed, err := url.Parse(endpoint)
	if err != nil {
		return endpoint
	}
	return parsed.Host
}
