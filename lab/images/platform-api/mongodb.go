package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
	"go.mongodb.org/mongo-driver/mongo/readpref"
	"go.mongodb.org/mongo-driver/mongo/writeconcern"
)

const eventTimeout = 3 * time.Second

// events is the record of what was done, in MongoDB. A note that is stored is not refused for want of its
// event: what is lost is counted.
type events struct {
	collection *mongo.Collection
	host       string
	recorded   atomic.Int64
	lost       atomic.Int64
}

func openMongoDB(given mongodbConfig, host string) (*events, error) {
	password, err := readSecret("MongoDB's password", given.PasswordFile)
	if err != nil {
		return nil, err
	}
	login := options.Credential{AuthSource: "admin", Username: given.User, Password: string(password)}
	asked := options.Client().SetHosts(given.Hosts).SetReplicaSet(given.ReplicaSet).SetAuth(login).
		SetWriteConcern(writeconcern.Majority()).SetRetryWrites(true).SetAppName("platform-api").
		SetServerSelectionTimeout(eventTimeout).SetConnectTimeout(2 * time.Second).SetHeartbeatInterval(2 * time.Second)
	client, err := mongo.Connect(context.Background(), asked) // returns at once; servers are found in the background
	if err != nil {
		return nil, fmt.Errorf("MONGODB_*: %w", err)
	}
	return &events{collection: client.Database(given.Database).Collection("events"), host: host}, nil
}

func (e *events) record(ctx context.Context, added note) {
	if e == nil {
		return
	}
	limit, cancel := context.WithTimeout(ctx, eventTimeout)
	defer cancel()
	event := bson.M{"kind": "note added", "note": added.ID, "at": added.At, "host": e.host}
	if _, err := e.collection.InsertOne(limit, event); err != nil {
		e.lost.Add(1)
		slog.Error("event not recorded", "note", added.ID, "error", err)
		return
	}
	e.recorded.Add(1)
}

func (e *events) reach(ctx context.Context) error {
	return e.collection.Database().Client().Ping(ctx, readpref.Primary())
}
