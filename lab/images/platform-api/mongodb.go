package main

import (
	"context"
	"fmt"
	"net"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
	"go.mongodb.org/mongo-driver/mongo/readpref"
	"go.mongodb.org/mongo-driver/mongo/writeconcern"
)

// inMongoDB is the log of events: acknowledged by the majority, read from the primary.
type inMongoDB struct {
	client  *mongo.Client
	events  *mongo.Collection
	metrics *metrics
}

// openMongoDB waits for no member: the driver looks for them in the background.
func openMongoDB(store mongoStore, metrics *metrics) (*inMongoDB, error) {
	client, err := mongo.Connect(context.Background(), options.Client().
		SetHosts(store.Members).SetReplicaSet(store.ReplicaSet).
		SetAuth(options.Credential{
			AuthMechanism: "SCRAM-SHA-256", AuthSource: "admin", Username: store.User, Password: store.password,
		}).
		SetWriteConcern(writeconcern.Majority()).SetRetryWrites(true).SetReadPreference(readpref.Primary()).
		SetConnectTimeout(time.Second).SetServerSelectionTimeout(attempt).SetMaxPoolSize(8))
	if err != nil {
		return nil, fmt.Errorf("STORES_FILE: mongodb: %w; correct it", err)
	}
	return &inMongoDB{client, client.Database(store.Database).Collection("events"), metrics}, nil
}

// probe asks the primary who it is. isMaster and not hello, which the lab's 4.0 doesn't know yet.
func (m *inMongoDB) probe() probe {
	return probe{Name: "mongodb", Kind: "mongodb", ask: func(limit context.Context) (string, error) {
		var told struct {
			Me string `bson:"me"`
		}
		err := m.client.Database("admin").RunCommand(limit, bson.D{{Key: "isMaster", Value: 1}}).Decode(&told)
		host, _, _ := net.SplitHostPort(told.Me)
		return host, err
	}}
}

func (m *inMongoDB) add(limit context.Context, told event) error {
	return m.metrics.timed("mongodb", "write", func() error {
		_, err := m.events.InsertOne(limit, told)
		if mongo.IsDuplicateKeyError(err) {
			return nil // an earlier try got through, and its answer didn't
		}
		return err
	})
}

func (m *inMongoDB) newest(limit context.Context) ([]event, error) {
	found := []event{}
	err := m.metrics.timed("mongodb", "read", func() error {
		lastFirst := options.Find().SetSort(bson.D{{Key: "_id", Value: -1}}).SetLimit(mostEvents)
		cursor, err := m.events.Find(limit, bson.D{}, lastFirst)
		if err != nil {
			return err
		}
		return cursor.All(limit, &found)
	})
	return found, err
}
