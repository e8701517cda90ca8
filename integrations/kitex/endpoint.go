package kitex

import (
	"fmt"
	"net"
	"net/url"
	"strconv"

	"github.com/cloudwego/kitex/pkg/discovery"
	"github.com/cloudwego/kitex/pkg/registry"
)

// Parameters of an endpoint URL that mean something by themselves.
const (
	weightParameter  = "weight"
	versionParameter = "version"
	// protocolTag holds the protocol of an endpoint that is no network which Kitex dials.
	protocolTag = "protocol"
)

const maxWeight = 1000

var networks = map[string]bool{"tcp": true, "tcp4": true, "tcp6": true, "udp": true}

// urlOf writes what a server registers as an endpoint URL, `network://host:port?weight=10&tag=value`, as other clients of the
// registry do. A server that listens on all addresses is told by that of this machine.
func urlOf(info *registry.Info) (string, error) {
	if info == nil || info.Addr == nil {
		return "", fmt.Errorf("rollcall: a registration has no address")
	}
	host, port, err := net.SplitHostPort(info.Addr.String())
	if err != nil {
		return "", fmt.Errorf("rollcall: the address %q is no host and port: %w", info.Addr.String(), err)
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = localHost()
	}
	network := info.Addr.Network()
	if !networks[network] {
		return "", fmt.Errorf("rollcall: the network %q cannot be dialled from elsewhere", network)
	}
	weight := info.Weight
	if weight <= 0 {
		weight = discovery.DefaultWeight
	}
	query := url.Values{weightParameter: {strconv.Itoa(min(weight, maxWeight))}}
	for key, value := range info.Tags {
		if key == weightParameter {
			return "", fmt.Errorf("rollcall: a tag may not be called %q, which is a parameter of endpoints", key)
		}
		query.Set(key, value)
	}
	endpoint := url.URL{Scheme: network, Host: net.JoinHostPort(host, port), RawQuery: query.Encode()}
	return endpoint.String(), nil
}

// localHost is an address under which this machine can be reached by others, as far as it has one.
func localHost() string {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return "127.0.0.1"
	}
	found := ""
	for _, address := range addresses {
		network, ok := address.(*net.IPNet)
		if !ok || !network.IP.IsGlobalUnicast() {
			continue
		}
		if network.IP.To4() != nil {
			return network.IP.String()
		}
		if found == "" {
			found = network.IP.String()
		}
	}
	if found == "" {
		return "127.0.0.1"
	}
	return found
}

// instanceOf reads an endpoint URL. What is none, or has no port, or the weight 0, which says that it is not to be called, is no
// instance.
func instanceOf(data string) (discovery.Instance, bool) {
	endpoint, err := url.Parse(data)
	if err != nil || endpoint.Scheme == "" || endpoint.Hostname() == "" || endpoint.Port() == "" {
		return nil, false
	}
	weight := discovery.DefaultWeight
	tags := map[string]string{}
	for key, values := range endpoint.Query() {
		if len(values) == 0 {
			continue
		}
		if key != weightParameter {
			tags[key] = values[0]
			continue
		}
		told, err := strconv.ParseFloat(values[0], 64)
		if err != nil || !(told >= 0 && told <= maxWeight) {
			return nil, false
		}
		if told == 0 {
			return nil, false
		}
		weight = max(1, int(told+0.5))
	}
	network := endpoint.Scheme
	if !networks[network] {
		tags[protocolTag] = network
		network = "tcp"
	}
	return discovery.NewInstance(network, endpoint.Host, weight, tags), true
}
