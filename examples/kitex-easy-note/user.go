package main

import (
	"context"
	"errors"
	"net"
	"path/filepath"
)

type user struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	ServedBy string `json:"servedBy,omitempty"`
}

type getUserRequest struct {
	ID string `json:"id"`
}

type getUserResponse struct {
	User *user `json:"user,omitempty"`
}

func runUser(told settings) error {
	listener, err := net.Listen("tcp", told.listen)
	if err != nil {
		return err
	}
	address := listener.Addr().String()
	users := records{folder: filepath.Join(told.records, "users")}
	return serve(userService, told, listener, methods{
		"CreateUser": method(func(_ context.Context, made user) (user, error) {
			if made.Name == "" {
				return user{}, errors.New("a user has no name")
			}
			made.ServedBy = ""
			err := users.write(made.ID, made)
			made.ServedBy = address
			return made, err
		}),
		"GetUser": method(func(_ context.Context, request getUserRequest) (getUserResponse, error) {
			found := user{}
			exists, err := users.read(request.ID, &found)
			if err != nil || !exists {
				return getUserResponse{}, err
			}
			found.ServedBy = address
			return getUserResponse{User: &found}, nil
		}),
	})
}
