namespace go demouser

struct User {
    1: required string id
    2: required string name
    // The address of the instance that answered.
    3: required string servedBy
}

struct CreateUserRequest {
    1: required string id
    2: required string name
}

struct GetUserRequest {
    1: required string id
}

// Without a user where there is none of that id.
struct GetUserResponse {
    1: optional User user
}

service UserService {
    User CreateUser(1: CreateUserRequest request)
    GetUserResponse GetUser(1: GetUserRequest request)
}
