package main

import (
	"context"
	"net"
	"path/filepath"
)

type note struct {
	ID     string `json:"id"`
	UserID string `json:"userId"`
	Text   string `json:"text"`
}

type createNoteResponse struct {
	Note      *note  `json:"note,omitempty"`
	ServedBy  string `json:"servedBy"`
	CheckedBy string `json:"checkedBy"`
}

type queryNotesRequest struct {
	UserID string `json:"userId"`
}

type queryNotesResponse struct {
	Notes    []note `json:"notes"`
	ServedBy string `json:"servedBy"`
}

func runNote(told settings) error {
	users, err := newCaller(userService, told)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", told.listen)
	if err != nil {
		return err
	}
	served := notes{address: listener.Addr().String(), users: users, records: records{folder: filepath.Join(told.records, "notes")}}
	return serve(noteService, told, listener, methods{
		"CreateNote": method(served.create),
		"QueryNotes": method(served.query),
	})
}

type notes struct {
	address string
	users   caller
	records records
}

func (n notes) create(ctx context.Context, made note) (createNoteResponse, error) {
	answer := createNoteResponse{ServedBy: n.address}
	var owner getUserResponse
	if err := n.users.call(ctx, "GetUser", getUserRequest{ID: made.UserID}, &owner); err != nil || owner.User == nil {
		return answer, err
	}
	answer.Note, answer.CheckedBy = &made, owner.User.ServedBy
	ofUser, err := n.records.of(made.UserID)
	if err != nil {
		return answer, err
	}
	return answer, ofUser.write(made.ID, made)
}

func (n notes) query(_ context.Context, request queryNotesRequest) (queryNotesResponse, error) {
	answer := queryNotesResponse{Notes: []note{}, ServedBy: n.address}
	ofUser, err := n.records.of(request.UserID)
	if err != nil {
		return answer, err
	}
	ids, err := ofUser.ids()
	if err != nil {
		return answer, err
	}
	for _, id := range ids {
		found := note{}
		if exists, err := ofUser.read(id, &found); err != nil {
			return answer, err
		} else if exists {
			answer.Notes = append(answer.Notes, found)
		}
	}
	return answer, nil
}
