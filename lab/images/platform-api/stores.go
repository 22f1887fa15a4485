package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"
)

// stores are the data services that this environment has; nil is one that it does without.
type stores struct {
	MySQL    *mysqlStore  `json:"mysql"`
	Redis    *redisStore  `json:"redis"`
	MongoDB  *mongoStore  `json:"mongodb"`
	Kafka    *kafkaStore  `json:"kafka"`
	RabbitMQ *rabbitStore `json:"rabbitmq"`
	RocketMQ *rocketStore `json:"rocketmq"`
	Nacos    *nacosStore  `json:"nacos"`
}

// login is an account in a store; the password lies in a file that Swarm mounts. No ca_file: no TLS.
type login struct {
	User         string `json:"user"`
	PasswordFile string `json:"password_file"`
	CAFile       string `json:"ca_file"`
	password     string
	trusted      *x509.CertPool
}

// tls is nil for a connection without TLS.
func (l *login) tls(host string) *tls.Config {
	if l.trusted == nil {
		return nil
	}
	return &tls.Config{RootCAs: l.trusted, ServerName: host, MinVersion: tls.VersionTLS12}
}

// mysqlStore: `write` reaches the member that takes writes, `read` those that may lag behind it.
type mysqlStore struct {
	login
	Write    string `json:"write"`
	Read     string `json:"read"`
	Database string `json:"database"`
}

// redisStore: the Sentinels are asked who leads the set named `master`.
type redisStore struct {
	login
	Sentinels []string `json:"sentinels"`
	Master    string   `json:"master"`
}

type mongoStore struct {
	login
	Members    []string `json:"members"`
	ReplicaSet string   `json:"replica_set"`
	Database   string   `json:"database"`
}

// readStores reads the file and what it points to. No path: no stores, all stays in memory.
func readStores(path string) (stores, error) {
	var found stores
	if path == "" {
		return found, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return found, fmt.Errorf("STORES_FILE: %w; mount the file there, or leave the variable empty", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&found); err != nil {
		return found, fmt.Errorf("STORES_FILE: %s: %w; it names stores, each null or an object", path, err)
	}
	return found, found.readSecrets()
}

// logins are those of the stores that there are, by the store's name.
func (s *stores) logins() map[string]*login {
	found := map[string]*login{}
	if s.MySQL != nil {
		found["mysql"] = &s.MySQL.login
	}
	if s.Redis != nil {
		found["redis"] = &s.Redis.login
	}
	if s.MongoDB != nil {
		found["mongodb"] = &s.MongoDB.login
	}
	if s.Kafka != nil {
		found["kafka"] = &s.Kafka.login
	}
	if s.RabbitMQ != nil {
		found["rabbitmq"] = &s.RabbitMQ.login
	}
	if s.RocketMQ != nil {
		found["rocketmq"] = &s.RocketMQ.login
	}
	if s.Nacos != nil {
		found["nacos"] = &s.Nacos.login
	}
	return found
}

func (s *stores) readSecrets() error {
	for store, each := range s.logins() {
		if err := each.readSecrets(store); err != nil {
			return err
		}
	}
	return nil
}

func (l *login) readSecrets(store string) error {
	password, err := readSecret(store+".password_file", l.PasswordFile)
	if err != nil {
		return err
	}
	l.password = string(password)
	if l.CAFile == "" {
		return nil
	}
	text, err := readSecret(store+".ca_file", l.CAFile)
	if err != nil {
		return err
	}
	l.trusted = x509.NewCertPool()
	if !l.trusted.AppendCertsFromPEM(text) {
		return fmt.Errorf("secret %s.ca_file: %s holds no certificate; mount the internal CA's", store, l.CAFile)
	}
	return nil
}

// open chooses where notes, lists and events go: MySQL or memory; a cache only of what all replicas share.
func (a *api) open(stop context.Context, stores stores) (probes []probe, err error) {
	a.notes = &memory{host: a.config.Host}
	if stores.MySQL != nil {
		kept, err := openMySQL(*stores.MySQL, a.metrics)
		if err != nil {
			return nil, err
		}
		a.notes, probes = kept, kept.probes()
	}
	if stores.Redis != nil {
		kept := openRedis(*stores.Redis, a.metrics)
		probes = append(probes, kept.probe())
		if a.notes.lasting() {
			a.notes = &cached{keeper: a.notes, cache: kept}
		}
	}
	if stores.MongoDB != nil {
		kept, err := openMongoDB(*stores.MongoDB, a.metrics)
		if err != nil {
			return nil, err
		}
		a.log, probes = kept, append(probes, kept.probe())
		a.outboxes = append(a.outboxes, newOutbox("mongodb", kept.add, a.metrics))
	}
	brokers, err := openBrokers(stores, a.config.Host)
	if err != nil {
		return nil, err
	}
	for _, each := range brokers {
		a.announce(stop, each)
		probes = append(probes, each.probe())
	}
	if stores.Nacos != nil {
		a.registry = openNacos(*stores.Nacos, a.config.Host, a.config.Port)
		go a.registry.watch(stop)
		probes = append(probes, a.registry.probe())
	}
	return probes, nil
}

func openBrokers(stores stores, host string) (found []broker, err error) {
	if stores.Kafka != nil {
		kept, err := openKafka(*stores.Kafka, host)
		if err != nil {
			return nil, err
		}
		found = append(found, kept)
	}
	if stores.RabbitMQ != nil {
		kept, err := openRabbitMQ(*stores.RabbitMQ, host)
		if err != nil {
			return nil, err
		}
		found = append(found, kept)
	}
	if stores.RocketMQ != nil {
		kept, err := openRocketMQ(*stores.RocketMQ, host)
		if err != nil {
			return nil, err
		}
		found = append(found, kept)
	}
	return found, nil
}
