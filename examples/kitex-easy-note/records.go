package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
)

// records are a folder with one file for each record, which all instances of a service share: it stands in for the database of a
// real one. Writing a record again replaces it, so a request that may have been carried out can be sent again.
type records struct{ folder string }

// idPattern keeps ids from naming files elsewhere.
var idPattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func (r records) write(id string, record any) error {
	path, err := r.pathOf(id)
	if err != nil {
		return err
	}
	content, err := json.Marshal(record)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(r.folder, 0o755); err != nil {
		return err
	}
	// Readers see a file as a whole or not at all.
	temporary, err := os.CreateTemp(r.folder, ".new-*")
	if err != nil {
		return err
	}
	_, err = temporary.Write(content)
	if err = errors.Join(err, temporary.Close()); err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary.Name()))
	}
	return nil
}

// read tells whether there is such a record, which it reads into `into`.
func (r records) read(id string, into any) (bool, error) {
	path, err := r.pathOf(id)
	if err != nil {
		return false, err
	}
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, json.Unmarshal(content, into)
}

func (r records) ids() ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(r.folder, "*.json"))
	ids := make([]string, 0, len(paths))
	for _, path := range paths {
		ids = append(ids, filepath.Base(path[:len(path)-len(".json")]))
	}
	return ids, err
}

func (r records) of(id string) (records, error) {
	if !idPattern.MatchString(id) {
		return records{}, fmt.Errorf("%q is not an id", id)
	}
	return records{folder: filepath.Join(r.folder, id)}, nil
}

func (r records) pathOf(id string) (string, error) {
	if !idPattern.MatchString(id) {
		return "", fmt.Errorf("%q is not an id: letters, digits, - and _, 64 at most", id)
	}
	return filepath.Join(r.folder, id+".json"), nil
}
