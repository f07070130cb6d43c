package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/sluicefs/sluicefs/internal/objstore"
	"github.com/sluicefs/sluicefs/internal/objstore/meter"
	"github.com/sluicefs/sluicefs/internal/objstore/retry"
	"github.com/sluicefs/sluicefs/internal/objstore/s3"
)

// firstAnswer is how long a store is given to answer the first request. It
// covers a slow name server and the search for credentials; a user who mistyped
// the endpoint waits no longer.
const firstAnswer = 10 * time.Second

// openStore reaches the bucket, with a limit on the time to the first answer.
func (p *program) openStore(ctx context.Context, o *mountOptions, log *logrus.Entry) (*reached, error) {
	first, cancel := context.WithTimeout(ctx, p.patience)
	defer cancel()
	cfg, err := o.storeConfig(first)
	if err != nil {
		return nil, o.explain(err, p.patience)
	}
	if err := o.write.checkPartSize(&cfg.Profile); err != nil {
		return nil, usageError(err)
	}
	if err := o.object.checkStore(&cfg.Profile, o.store.endpoint); err != nil {
		return nil, usageError(err)
	}
	if bits := cfg.TrafficLimit; bits > 0 {
		if err := cfg.Profile.CheckTraffic(bits); err != nil {
			return nil, usageError(fmt.Errorf("--traffic-limit: %w", err))
		}
	}
	client, err := s3.New(first, cfg)
	if err != nil {
		return nil, o.explain(err, p.patience)
	}
	store := &reached{
		attempts: meter.New(client), repeats: &atomic.Int64{},
		close: func() error { client.Close(); return nil },
	}
	store.Store = retry.New(store.attempts, o.store.bandwidth.patience(retry.Config{For: lifetime(o.store.retryFor), Observe: store.observer(log)}))
	if err := checkBucketAt(first, o.where, store.attempts, store); err != nil {
		_ = store.close()
		return nil, o.explain(err, p.patience)
	}
	log.WithFields(logrus.Fields{"endpoint": o.store.place(), "provider": cfg.Profile.Name}).Debug("the store answers")
	return store, nil
}

// observer counts and logs each request that will be repeated.
func (s *reached) observer(log *logrus.Entry) func(retry.Failure) {
	return func(f retry.Failure) {
		s.repeats.Add(1)
		log.WithFields(logrus.Fields{
			"part": "store", "op": f.Op, "key": f.Key, "attempt": f.Attempt, "wait": f.Wait.String(),
		}).WithError(f.Err).Info("repeating a request")
	}
}

// storeConfig says how the bucket is reached, by which it has to find out what
// kind of store it is where nobody said.
func (o *mountOptions) storeConfig(ctx context.Context) (s3.Config, error) {
	cfg := s3.Config{
		Endpoint:      o.store.endpoint,
		Region:        o.store.region,
		Bucket:        o.where.bucket,
		Credentials:   s3.Credentials{Anonymous: o.store.anonymous, Profile: o.store.profile},
		RequesterPays: o.store.requesterPays,
		NoVerifyTLS:   o.store.noVerifySSL,
		CAFile:        o.store.caFile,
		MaxConns:      max(s3.DefaultConns, o.write.concurrency),
		DualStack:     o.store.dualStack,
		Accelerate:    o.store.accelerate,
		CustomerKey:   o.object.key,
		Bandwidth:     o.store.bandwidth.limit(),
		TrafficLimit:  int64(o.store.trafficLimit) * 8,
	}
	switch {
	case o.store.pathStyle:
		cfg.Style = objstore.PathStyle
	case o.store.virtualHost:
		cfg.Style = objstore.VirtualHost
	}
	var err error
	if cfg.Profile, err = o.store.chooseProfile(ctx, cfg); err != nil {
		return cfg, err
	}
	return cfg, o.store.corrections.apply(&cfg.Profile)
}

// provided tells whether the kind of store follows from the flags, without asking it.
func (o *storeOptions) provided() bool {
	if o.provider != "" || o.endpoint == "" {
		return true
	}
	u, err := url.Parse(o.endpoint)
	if err != nil {
		return false
	}
	_, ok := objstore.ProfileByHost(u.Hostname())
	return ok
}

// chooseProfile takes the kind of store that the user named, else the one that
// the endpoint's host name tells, else the one that the store itself tells.
func (o *storeOptions) chooseProfile(ctx context.Context, cfg s3.Config) (objstore.Profile, error) {
	if p, ok := objstore.ProfileByName(o.provider); ok {
		return p, nil
	}
	if o.endpoint == "" {
		return objstore.DefaultProfile(), nil
	}
	if u, err := url.Parse(o.endpoint); err == nil {
		if p, ok := objstore.ProfileByHost(u.Hostname()); ok {
			return p, nil
		}
	}
	return s3.Detect(ctx, cfg)
}

// environmentEndpoint is the endpoint that the variables of the AWS tools name.
func environmentEndpoint() string {
	if url := os.Getenv("AWS_ENDPOINT_URL_S3"); url != "" {
		return url
	}
	return os.Getenv("AWS_ENDPOINT_URL")
}
