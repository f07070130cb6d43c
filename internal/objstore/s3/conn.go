package s3

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"
)

var errHandshake = errors.New("no TLS handshake within 10 s")

// dialer opens connections that know an outBody when they see one.
type dialer struct {
	reach   func(ctx context.Context, network, addr string) (net.Conn, error)
	private bool // names mean nothing to others, such as proxies
	tls     *tls.Config
	limit   limits
}

// dial opens a connection that keeps to the limits.
func (d *dialer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := d.reach(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return d.limit.on(c), nil
}

func (d *dialer) plain(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := d.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return conn{c, nil}, nil
}

func (d *dialer) secure(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := d.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	conf := d.tls.Clone()
	conf.ServerName = host
	under := &cork{Conn: c}
	secure := tls.Client(under, conf)
	limited, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := secure.HandshakeContext(limited); err != nil {
		c.Close()
		if limited.Err() != nil && ctx.Err() == nil {
			return nil, errHandshake // not the end of the caller's context
		}
		return nil, err
	}
	return conn{secure, under}, nil
}

// conn is a connection that lets an outBody write itself.
type conn struct {
	net.Conn
	cork *cork // under TLS, else nil
}

// ReadFrom implements io.ReaderFrom, by which net/http sends a body once it has
// sent the headers.
func (c conn) ReadFrom(r io.Reader) (int64, error) {
	if limited, ok := r.(*io.LimitedReader); ok {
		if body, ok := limited.R.(*outBody); ok {
			n, err := body.sendTo(c, limited.N)
			limited.N -= n
			return n, err
		}
	}
	return io.Copy(c.Conn, r)
}
