// Package kitex lets services of CloudWeGo's Kitex register in Rollcall and find each other there.
//
// A [Registry] keeps what a server registers alive through any session server, for as long as the process lives. A [Resolver]
// is told of every change by a stream of server-sent events, and a balancer made by [Resolver.Balancer] uses the newest
// instances from the next call on, where Kitex by itself asks its resolver every five seconds.
package kitex
