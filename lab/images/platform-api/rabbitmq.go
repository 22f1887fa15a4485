package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// rabbitStore: messages go through the default exchange to `queue`, which the API declares as a quorum queue.
type rabbitStore struct {
	login
	Members []string `json:"members"`
	VHost   string   `json:"vhost"`
	Queue   string   `json:"queue"`
}

// inRabbitMQ has a connection for publishing, made anew whenever a try fails, and one for consuming.
type inRabbitMQ struct {
	store   rabbitStore
	host    string
	mutex   sync.Mutex
	channel *amqp.Channel
	link    *amqp.Connection
	member  string
}

func openRabbitMQ(store rabbitStore, host string) (*inRabbitMQ, error) {
	for _, each := range store.Members {
		if _, _, err := net.SplitHostPort(each); err != nil {
			return nil, fileFault("rabbitmq", err)
		}
	}
	return &inRabbitMQ{store: store, host: host}, nil
}

func (r *inRabbitMQ) name() string { return "rabbitmq" }

// dial tries the members in a random order, so that replicas spread.
func (r *inRabbitMQ) dial() (*amqp.Connection, string, error) {
	fault := errors.New("no member is named")
	for _, index := range rand.Perm(len(r.store.Members)) {
		host, _, _ := net.SplitHostPort(r.store.Members[index])
		config := amqp.Config{
			Vhost: r.store.VHost, Heartbeat: 5 * time.Second, Dial: amqp.DefaultDial(time.Second),
			Properties: amqp.Table{"connection_name": "platform-api-" + r.host},
		}
		address := url.URL{Scheme: "amqp", Host: r.store.Members[index], User: url.UserPassword(r.store.User, r.store.password)}
		if secure := r.store.tls(host); secure != nil {
			address.Scheme, config.TLSClientConfig = "amqps", secure
		}
		link, err := amqp.DialConfig(address.String(), config)
		if err == nil {
			return link, host, nil
		}
		fault = err
	}
	return nil, "", fault
}

// open is the channel for publishing, with confirms.
func (r *inRabbitMQ) open() (*amqp.Channel, error) {
	if r.channel != nil && !r.channel.IsClosed() {
		return r.channel, nil
	}
	r.drop()
	link, member, err := r.dial()
	if err != nil {
		return nil, err
	}
	channel, err := r.channelOf(link)
	if err == nil {
		err = channel.Confirm(false)
	}
	if err != nil {
		link.Close()
		return nil, err
	}
	r.link, r.channel, r.member = link, channel, member
	return channel, nil
}

// channelOf opens a channel, and has the queue there.
func (r *inRabbitMQ) channelOf(link *amqp.Connection) (*amqp.Channel, error) {
	channel, err := link.Channel()
	if err != nil {
		return nil, err
	}
	_, err = channel.QueueDeclare(r.store.Queue, true, false, false, false, amqp.Table{amqp.QueueTypeArg: amqp.QueueTypeQuorum})
	return channel, err
}

func (r *inRabbitMQ) drop() {
	if r.link != nil {
		r.link.CloseDeadline(time.Now().Add(time.Second))
	}
	r.link, r.channel, r.member = nil, nil, ""
}

func (r *inRabbitMQ) publish(limit context.Context, text []byte) error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	channel, err := r.open()
	if err != nil {
		return err
	}
	message := amqp.Publishing{ContentType: "application/json", DeliveryMode: amqp.Persistent, Body: text}
	// mandatory: a message that no queue takes comes back, and its confirmation says nothing.
	returned := channel.NotifyReturn(make(chan amqp.Return, 1))
	promised, err := channel.PublishWithDeferredConfirmWithContext(limit, "", r.store.Queue, true, false, message)
	if err == nil {
		var kept bool
		if kept, err = promised.WaitContext(limit); err == nil && !kept {
			err = errors.New("the message was refused")
		}
	}
	select {
	case back, open := <-returned:
		if open && err == nil {
			err = fmt.Errorf("no queue took the message: %s", back.ReplyText)
		}
	default:
	}
	if err != nil {
		r.drop()
	}
	return err
}

func (r *inRabbitMQ) consume(stop context.Context, take func([]byte)) error {
	link, _, err := r.dial()
	if err != nil {
		return err
	}
	defer link.CloseDeadline(time.Now().Add(time.Hour))
	channel, err := r.channelOf(link)
	if err != nil {
		return err
	}
	if err := channel.Qos(10, 0, false); err != nil {
		return err
	}
	messages, err := channel.ConsumeWithContext(stop, r.store.Queue, "", false, false, false, false, nil)
	if err != nil {
		return err
	}
	for each := range messages {
		take(each.Body)
		if err := each.Ack(false); err != nil {
			return err
		}
	}
	return errors.New("the connection ended")
}

// probe names the member that messages are published through.
func (r *inRabbitMQ) probe() probe {
	return probe{Name: "rabbitmq", Kind: "rabbitmq", ask: func(limit context.Context) (string, error) {
		r.mutex.Lock()
		defer r.mutex.Unlock()
		channel, err := r.open()
		if err != nil {
			return "", err
		}
		member := r.member
		if _, err = channel.QueueDeclarePassive(r.store.Queue, true, false, false, false, nil); err != nil {
			r.drop()
		}
		return member, err
	}}
}
