package main

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/admin"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/apache/rocketmq-client-go/v2/rlog"
)

// rocketStore: messages go to `topic`; the replicas read it as one consumer group.
type rocketStore struct {
	login
	NameServers []string `json:"name_servers"`
	Topic       string   `json:"topic"`
	Group       string   `json:"group"`
}

// inRocketMQ makes its client anew when tries have failed for some time: the library asks the DNS every two
// minutes alone, and a member that was replaced has another address.
type inRocketMQ struct {
	store    rocketStore
	host     string
	mutex    sync.Mutex
	producer rocketmq.Producer
	failing  time.Time // since when; zero: it is not
}

const renewAfter = 10 * time.Second

// resolver gives addresses, as the library takes no names. It is asked at the start and every two minutes.
type resolver []string

func (r resolver) Description() string { return "DNS" }

func (r resolver) Resolve() []string {
	limit, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	found := make(chan string, len(r))
	var all sync.WaitGroup
	for _, each := range r {
		all.Add(1)
		go func() {
			defer all.Done()
			host, port, _ := net.SplitHostPort(each)
			addresses, err := net.DefaultResolver.LookupIP(limit, "ip4", host)
			if err == nil && len(addresses) > 0 {
				found <- net.JoinHostPort(addresses[0].String(), port)
			}
		}()
	}
	all.Wait()
	close(found)
	var addresses []string
	for each := range found {
		addresses = append(addresses, each)
	}
	return addresses
}

func openRocketMQ(store rocketStore, host string) (*inRocketMQ, error) {
	for _, each := range store.NameServers {
		if _, _, err := net.SplitHostPort(each); err != nil {
			return nil, fileFault("rocketmq", err)
		}
	}
	rlog.SetLogLevel("fatal") // what it says is in the errors, too
	return &inRocketMQ{store: store, host: host}, nil
}

func (r *inRocketMQ) name() string { return "rocketmq" }

func (r *inRocketMQ) credentials() primitive.Credentials {
	return primitive.Credentials{AccessKey: r.store.User, SecretKey: r.store.password}
}

// open is the producer, started.
func (r *inRocketMQ) open() (rocketmq.Producer, error) {
	if r.producer != nil {
		return r.producer, nil
	}
	made, err := rocketmq.NewProducer(
		producer.WithNsResolver(resolver(r.store.NameServers)), producer.WithGroupName(r.store.Group+"-producer"),
		producer.WithInstanceName(fmt.Sprintf("%s-producer-%d", r.host, time.Now().UnixNano())),
		producer.WithCredentials(r.credentials()), producer.WithSendMsgTimeout(attempt), producer.WithRetry(0),
	)
	if err == nil {
		err = made.Start()
	}
	if err != nil {
		return nil, err
	}
	r.producer, r.failing = made, time.Time{}
	return made, nil
}

func (r *inRocketMQ) publish(limit context.Context, text []byte) error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	sender, err := r.open()
	if err != nil {
		return err
	}
	told, err := sender.SendSync(limit, primitive.NewMessage(r.store.Topic, text))
	if err == nil && told.Status != primitive.SendOK {
		err = fmt.Errorf("sent, but not kept by enough replicas: status %d", told.Status)
	}
	if err == nil {
		r.failing = time.Time{}
		return nil
	}
	if r.failing.IsZero() {
		r.failing = time.Now()
	} else if time.Since(r.failing) > renewAfter {
		r.producer = nil
		go sender.Shutdown()
	}
	return err
}

func (r *inRocketMQ) consume(stop context.Context, take func([]byte)) error {
	made, err := rocketmq.NewPushConsumer(
		consumer.WithNsResolver(resolver(r.store.NameServers)), consumer.WithGroupName(r.store.Group),
		consumer.WithInstance(fmt.Sprintf("%s-consumer-%d", r.host, time.Now().UnixNano())),
		consumer.WithCredentials(r.credentials()), consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset),
	)
	if err != nil {
		return err
	}
	defer func() { go made.Shutdown() }()
	err = made.Subscribe(r.store.Topic, consumer.MessageSelector{},
		func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
			for _, each := range messages {
				take(each.Body)
			}
			return consumer.ConsumeSuccess, nil
		})
	if err == nil {
		err = made.Start()
	}
	if err != nil {
		return err
	}
	<-stop.Done()
	return stop.Err()
}

func (r *inRocketMQ) failingSince() time.Time {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.failing
}

// probe asks a name server who takes messages of the topic. A broker that takes none is seen when one is sent.
func (r *inRocketMQ) probe() probe {
	return probe{Name: "rocketmq", Kind: "rocketmq", ask: func(limit context.Context) (string, error) {
		if since := r.failingSince(); !since.IsZero() {
			return "", fmt.Errorf("messages wait since %s", since.UTC().Format(time.RFC3339))
		}
		// A new one each time: it would answer from its memory otherwise.
		asking, err := admin.NewAdmin(admin.WithResolver(resolver(r.store.NameServers)), admin.WithCredentials(r.credentials()))
		if err != nil {
			return "", err
		}
		defer asking.Close()
		queues, err := asking.FetchPublishMessageQueues(limit, r.store.Topic)
		if err != nil {
			return "", err
		}
		if len(queues) == 0 {
			return "", fmt.Errorf("no broker takes messages of %s", r.store.Topic)
		}
		return queues[0].BrokerName, nil
	}}
}
