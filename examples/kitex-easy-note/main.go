// Command easynote runs one of three services that find each other through Rollcall: demouser and demonote, which are Kitex servers,
// and the api, which calls both for those who come by HTTP. The registry is asked as an etcd, by the stock registry-etcd, or by Rollcall's own
// extension for Kitex: which one is a flag, and nothing else differs.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// settings are what the flags say.
type settings struct {
	registry    string
	addresses   []string
	listen      string
	records     string
	lease       time.Duration
	drain       time.Duration
	logRegistry bool
}

// services are what can be run, with the address at which each listens unless told otherwise.
var services = map[string]struct {
	listen string
	run    func(settings) error
}{
	"user": {listen: "127.0.0.1:0", run: runUser},
	"note": {listen: "127.0.0.1:0", run: runNote},
	"api":  {listen: "127.0.0.1:8080", run: runAPI},
}

const usage = `usage: easynote user|note|api [flags]

  user  the Kitex server demouser, which keeps users
  note  the Kitex server demonote, which keeps notes, and asks demouser for their owners
  api   POST /users, GET /users/{id}, POST /notes and GET /users/{id}/notes over HTTP, by way of both

Each runs until SIGTERM or SIGINT. Servers leave the registry before they stop listening.

flags:
`

func main() {
	if err := run(os.Args[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return
		}
		fmt.Fprintf(os.Stderr, "easynote: %s\n", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	name := ""
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	}
	service, isKnown := services[name]
	told, err := parse(args, service.listen)
	if err != nil {
		return err
	}
	if !isKnown {
		return fmt.Errorf("which service to run must be said first: user, note or api, not %q; --help tells more", name)
	}
	return service.run(told)
}

func parse(args []string, listen string) (settings, error) {
	var told settings
	flags := flag.NewFlagSet("easynote", flag.ContinueOnError)
	// An error is said once, by main; help is what was asked for, so it goes to the output.
	flags.SetOutput(io.Discard)
	flags.Usage = func() {
		flags.SetOutput(os.Stdout)
		fmt.Print(usage)
		flags.PrintDefaults()
	}
	addresses := ""
	flags.StringVar(&told.registry, "registry", rollcallRegistry, "how the registry is asked: `etcd|rollcall`")
	flags.StringVar(&addresses, "address", "", "session servers, `host:port,...`; for rollcall their HTTP ports (127.0.0.1:9603\n"+
		"unless told otherwise), for etcd those for clients of etcd (127.0.0.1:2379)")
	flags.StringVar(&told.listen, "listen", listen, "the `address` to listen on; port 0 is any that is free")
	flags.StringVar(&told.records, "records", filepath.Join(os.TempDir(), "easynote"), "the `folder` of users and notes, the same for all instances")
	flags.DurationVar(&told.lease, "lease", 0, "how long a registration outlives its server, in whole seconds for etcd;\n"+
		"0 leaves it to the client of the registry: 15s for rollcall, 60s for etcd")
	flags.DurationVar(&told.drain, "drain", 0, "how long a server goes on serving after it has left the registry;\n"+
		"0 is as long as callers may need to hear of it: 1s for rollcall, 6s for etcd")
	flags.BoolVar(&told.logRegistry, "log-registry", false, "print a line for each renewal of the lease that the registry has answered,\n"+
		"and for each connection to a session server where that is etcd's")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			flags.Usage()
		}
		return told, err
	}
	if flags.NArg() > 0 {
		return told, fmt.Errorf("%q is not a flag", flags.Arg(0))
	}
	if told.lease < 0 || told.drain < 0 {
		return told, errors.New("neither -lease nor -drain may be negative")
	}
	if addresses != "" {
		told.addresses = strings.Split(addresses, ",")
	}
	return told, nil
}
