package kitex

import (
	"net/http"
	"time"
)

const (
	// DefaultLease is how long the registry waits for a renewal before a registration leaves.
	DefaultLease = 15 * time.Second
	// MinLease and MaxLease are what the registry takes.
	MinLease = time.Second
	MaxLease = 24 * time.Hour
)

type config struct {
	group      string
	instanceID string
	zone       string
	appName    string
	lease      time.Duration
	client     *http.Client
	timeouts   timeouts
}

// timeouts are those of the outside world; tests make them short.
type timeouts struct {
	// try bounds one request to one session server.
	try time.Duration
	// resolve bounds the wait for the first answer about a service.
	resolve time.Duration
	// silence is how long a stream may say nothing: the server says at least something every ten seconds.
	silence time.Duration
	// retryMin and retryMax bound the growing wait between rounds through all session servers.
	retryMin, retryMax time.Duration
	// idle is how long a service is watched that nobody resolves any more.
	idle time.Duration
}

func configOf(options []Option) config {
	made := config{
		lease:  DefaultLease,
		client: &http.Client{},
		timeouts: timeouts{
			try:      3 * time.Second,
			resolve:  3 * time.Second,
			silence:  25 * time.Second,
			retryMin: 100 * time.Millisecond,
			retryMax: 2 * time.Second,
			idle:     10 * time.Minute,
		},
	}
	for _, option := range options {
		option(&made)
	}
	return made
}

// Option changes a setting of a [Registry] or [Resolver].
type Option func(*config)

// WithGroup sets the group of the services; the default group otherwise.
func WithGroup(group string) Option { return func(c *config) { c.group = group } }

// WithInstanceID sets the instanceId (the tenant, or namespace) of the services; the default one otherwise.
func WithInstanceID(instanceID string) Option { return func(c *config) { c.instanceID = instanceID } }

// WithZone sets the zone in which servers register, and as which clients ask.
func WithZone(zone string) Option { return func(c *config) { c.zone = zone } }

// WithAppName tells subscribers and operators who publishes.
func WithAppName(name string) Option { return func(c *config) { c.appName = name } }

// WithLease sets how long a registration outlives its last renewal, from [MinLease] to [MaxLease]. It is renewed three times as often.
func WithLease(lease time.Duration) Option { return func(c *config) { c.lease = lease } }

// WithHTTPClient sets the client, for TLS or a proxy. It must have no Timeout, which would end streams as well.
func WithHTTPClient(client *http.Client) Option { return func(c *config) { c.client = client } }
