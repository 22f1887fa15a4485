package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// kafkaStore: messages go to `topic`; the replicas read it as one consumer group.
type kafkaStore struct {
	login
	Brokers []string `json:"brokers"`
	Topic   string   `json:"topic"`
	Group   string   `json:"group"`
}

type inKafka struct {
	client *kgo.Client
	topic  string
}

// openKafka connects to nothing yet.
func openKafka(store kafkaStore, host string) (*inKafka, error) {
	options := []kgo.Opt{
		kgo.SeedBrokers(store.Brokers...), kgo.ClientID("platform-api-" + host),
		kgo.SASL(scram.Auth{User: store.User, Pass: store.password}.AsSha512Mechanism()),
		kgo.DefaultProduceTopic(store.Topic), kgo.RequiredAcks(kgo.AllISRAcks()), kgo.ProducerLinger(0),
		// A try ends with its context; the outbox repeats it.
		kgo.RecordDeliveryTimeout(attempt), kgo.ProduceRequestTimeout(attempt), kgo.RequestTimeoutOverhead(time.Second),
		kgo.RetryTimeout(attempt), kgo.MetadataMinAge(250 * time.Millisecond), kgo.ConnIdleTimeout(time.Minute),
		kgo.ConsumeTopics(store.Topic), kgo.ConsumerGroup(store.Group), kgo.SessionTimeout(10 * time.Second),
		kgo.DialTimeout(time.Second),
	}
	if secure := store.tls(""); secure != nil {
		options = append(options, kgo.DialTLSConfig(secure)) // it fills in each broker's own name
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return nil, fileFault("kafka", err)
	}
	return &inKafka{client, store.Topic}, nil
}

func (k *inKafka) name() string { return "kafka" }

func (k *inKafka) publish(limit context.Context, text []byte) error {
	return k.client.ProduceSync(limit, &kgo.Record{Value: text}).FirstErr()
}

func (k *inKafka) consume(stop context.Context, take func([]byte)) error {
	for {
		fetched := k.client.PollFetches(stop)
		if stop.Err() != nil {
			return stop.Err()
		}
		fetched.EachRecord(func(each *kgo.Record) { take(each.Value) })
		if err := fetched.Err(); err != nil {
			return err
		}
	}
}

// probe names the leader of the topic's first partition.
func (k *inKafka) probe() probe {
	return probe{Name: "kafka", Kind: "kafka", ask: func(limit context.Context) (string, error) {
		asked := kmsg.NewPtrMetadataRequest()
		topic := kmsg.NewMetadataRequestTopic()
		topic.Topic = kmsg.StringPtr(k.topic)
		asked.Topics = append(asked.Topics, topic)
		told, err := asked.RequestWith(limit, k.client)
		if err != nil {
			return "", err
		}
		if len(told.Topics) == 0 || len(told.Topics[0].Partitions) == 0 {
			return "", fmt.Errorf("there is no topic %s that this user may see", k.topic)
		}
		leader := told.Topics[0].Partitions[0].Leader
		for _, each := range told.Brokers {
			if each.NodeID == leader {
				return each.Host, nil
			}
		}
		return "", errors.New("a partition has no leader")
	}}
}
