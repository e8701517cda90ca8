package kitex

import (
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/cloudwego/kitex/pkg/registry"
)

func TestWhatIsRegisteredIsFound(t *testing.T) {
	info := infoOf("demouser", "[2001:db8::1]:8888")
	info.Tags["note"] = "a & b = c"
	endpoint, err := urlOf(info)
	if err != nil {
		t.Fatal(err)
	}
	instance, ok := instanceOf(endpoint)
	if !ok || instance.Address().String() != "[2001:db8::1]:8888" || instance.Address().Network() != "tcp" || instance.Weight() != 10 {
		t.Errorf("%s is read as %v", endpoint, instance)
	}
	for key, want := range info.Tags {
		if got, _ := instance.Tag(key); got != want {
			t.Errorf("tag %s is %q", key, got)
		}
	}
}

func TestAServerOnAllAddressesIsToldByOneOfThem(t *testing.T) {
	for _, address := range []string{":8888", "0.0.0.0:8888", "[::]:8888"} {
		endpoint, err := urlOf(infoOf("demouser", address))
		if err != nil {
			t.Fatal(err)
		}
		instance, ok := instanceOf(endpoint)
		if !ok {
			t.Fatalf("%s is no instance", endpoint)
		}
		host, _, _ := net.SplitHostPort(instance.Address().String())
		if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
			t.Errorf("%s is told as %s", address, host)
		}
	}
}

func TestEndpointsOfOthers(t *testing.T) {
	for data, want := range map[string]string{
		"http://shop:80":                    "tcp shop:80 10",
		"tcp://10.0.0.1:80?weight=0.5":      "tcp 10.0.0.1:80 1",
		"udp://10.0.0.1:80?weight=1000&a=b": "udp 10.0.0.1:80 1000",
		"tcp://10.0.0.1:80?weight=0":        "",
		"tcp://10.0.0.1:80?weight=-1":       "",
		"tcp://10.0.0.1:80?weight=NaN":      "",
		"tcp://10.0.0.1:80?weight=1001":     "",
		"tcp://10.0.0.1":                    "",
		"10.0.0.1:80":                       "",
		"":                                  "",
		"tcp://:80":                         "",
		"://":                               "",
		"tcp://10.0.0.1:" + strings.Repeat("9", 3): "tcp 10.0.0.1:999 10",
	} {
		instance, ok := instanceOf(data)
		got := ""
		if ok {
			got = strings.Join([]string{instance.Address().Network(), instance.Address().String(), strconv.Itoa(instance.Weight())}, " ")
		}
		if got != want {
			t.Errorf("%q is read as %q, not %q", data, got, want)
		}
	}
}

func TestNetworksThatNobodyElseCanDial(t *testing.T) {
	at, err := net.ResolveUnixAddr("unix", "/tmp/a:80")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := urlOf(&registry.Info{ServiceName: "a", Addr: at}); err == nil {
		t.Error("a file was registered")
	}
}
