namespace go demonote

struct Note {
    1: required string id
    2: required string userId
    3: required string text
}

struct CreateNoteRequest {
    1: required string id
    2: required string userId
    3: required string text
}

// Without a note where there is no such user.
struct CreateNoteResponse {
    1: optional Note note
    // The address of the instance that answered, and that of the instance of demouser that it asked.
    2: required string servedBy
    3: required string checkedBy
}

struct QueryNotesRequest {
    1: required string userId
}

struct QueryNotesResponse {
    1: required list<Note> notes
    2: required string servedBy
}

service NoteService {
    CreateNoteResponse CreateNote(1: CreateNoteRequest request)
    QueryNotesResponse QueryNotes(1: QueryNotesRequest request)
}
