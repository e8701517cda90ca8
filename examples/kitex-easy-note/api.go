package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
)

const (
	maxBodyBytes = 64 << 10
	// stopTimeout is longer than a call may take.
	stopTimeout = 2 * callTimeout
)

// runAPI serves HTTP until a signal ends it. It is not in the registry, as the api of CloudWeGo's easy_note is not: it only looks there.
func runAPI(told settings) error {
	users, err := newCaller(userService, told)
	if err != nil {
		return err
	}
	notes, err := newCaller(noteService, told)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", told.listen)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	served := &http.Server{Handler: api{users: users, notes: notes}.routes(), ReadTimeout: callTimeout}
	ended := make(chan error, 1)
	go func() { ended <- served.Serve(listener) }()
	fmt.Printf("api listens on http://%s\n", listener.Addr())
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	within, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	return served.Shutdown(within)
}

type api struct{ users, notes caller }

func (a api) routes() http.Handler {
	routes := http.NewServeMux()
	routes.HandleFunc("POST /users", answering(a.createUser))
	routes.HandleFunc("GET /users/{id}", answering(a.getUser))
	routes.HandleFunc("POST /notes", answering(a.createNote))
	routes.HandleFunc("GET /users/{id}/notes", answering(a.listNotes))
	return routes
}

func (a api) createUser(request *http.Request) (any, error) {
	made := user{ID: newID()}
	if err := read(request, &made); err != nil {
		return nil, err
	}
	if made.Name == "" {
		return nil, refusal{http.StatusBadRequest, "name is missing"}
	}
	var answer user
	err := a.users.call(request.Context(), "CreateUser", made, &answer)
	return answer, err
}

func (a api) getUser(request *http.Request) (any, error) {
	var answer getUserResponse
	err := a.users.call(request.Context(), "GetUser", getUserRequest{ID: request.PathValue("id")}, &answer)
	if err == nil && answer.User == nil {
		err = refusal{http.StatusNotFound, "there is no such user"}
	}
	return answer.User, err
}

func (a api) createNote(request *http.Request) (any, error) {
	made := note{ID: newID()}
	if err := read(request, &made); err != nil {
		return nil, err
	}
	if made.UserID == "" || made.Text == "" {
		return nil, refusal{http.StatusBadRequest, "userId or text is missing"}
	}
	var answer createNoteResponse
	err := a.notes.call(request.Context(), "CreateNote", made, &answer)
	if err == nil && answer.Note == nil {
		err = refusal{http.StatusNotFound, "there is no such user"}
	}
	return answer, err
}

func (a api) listNotes(request *http.Request) (any, error) {
	var answer queryNotesResponse
	err := a.notes.call(request.Context(), "QueryNotes", queryNotesRequest{UserID: request.PathValue("id")}, &answer)
	return answer, err
}

// refusal is an error of whoever asks.
type refusal struct {
	status  int
	message string
}

func (r refusal) Error() string { return r.message }

// answering writes what a function makes as JSON. An error that is no refusal is one of the service that was called.
func answering(make func(*http.Request) (any, error)) http.HandlerFunc {
	return func(writer http.ResponseWriter, request *http.Request) {
		request.Body = http.MaxBytesReader(writer, request.Body, maxBodyBytes)
		ctx, cancel := context.WithTimeout(request.Context(), 2*callTimeout)
		defer cancel()
		status := http.StatusOK
		answer, err := make(request.WithContext(ctx))
		if err != nil {
			status = http.StatusBadGateway
			var refused refusal
			if errors.As(err, &refused) {
				status = refused.status
			}
			answer = map[string]string{"error": err.Error()}
		}
		writer.Header().Set("content-type", "application/json")
		writer.WriteHeader(status)
		_ = json.NewEncoder(writer).Encode(answer)
	}
}

func read(request *http.Request, into any) error {
	if err := json.NewDecoder(request.Body).Decode(into); err != nil {
		return refusal{http.StatusBadRequest, "the body is not the JSON that is wanted: " + err.Error()}
	}
	return nil
}

func newID() string {
	id := make([]byte, 8)
	_, _ = rand.Read(id)
	return hex.EncodeToString(id)
}
