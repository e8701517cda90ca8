package kitex

import (
	"github.com/cloudwego/kitex/pkg/discovery"
	"github.com/cloudwego/kitex/pkg/loadbalance"
)

// rebalanced is what is told of changes.
type rebalanced interface{ Rebalance(discovery.Change) }

// Balancer has `inner` choose among the newest instances from the next call on; see client.WithLoadBalancer. By itself Kitex asks the
// resolver every five seconds, and balances over what it was told then.
func (r *Resolver) Balancer(inner loadbalance.Loadbalancer) loadbalance.Loadbalancer {
	current := currentBalancer{inner: inner, resolver: r}
	rebalancer, ok := inner.(loadbalance.Rebalancer)
	if !ok {
		return &current
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.balancers = append(r.balancers, rebalancer)
	return &currentRebalancer{currentBalancer: current, Rebalancer: rebalancer}
}

type currentBalancer struct {
	inner    loadbalance.Loadbalancer
	resolver *Resolver
}

func (b *currentBalancer) GetPicker(result discovery.Result) loadbalance.Picker {
	if instances, ok := b.resolver.latest(result.CacheKey); ok {
		result.Instances = instances
	}
	return b.inner.GetPicker(result)
}

func (b *currentBalancer) Name() string { return b.inner.Name() + "-" + resolverName }

// currentRebalancer is for balancers that keep what they have made of a service until they are told of a change.
type currentRebalancer struct {
	currentBalancer
	loadbalance.Rebalancer
}
