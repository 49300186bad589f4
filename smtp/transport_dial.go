package smtp

import "context"

// dial sets up the connection of a slot that has none. The caller does not hold
// mu.
func (t *Transport) dial(ctx context.Context, p *pooled) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	t.mu.Lock()
	if t.state == transportClosed {
		t.mu.Unlock()
		return ErrTransportClosed
	}
	t.stats.Dialed++
	p.cancel = cancel
	t.mu.Unlock()
	client, err := Dial(ctx, p.lane.dest.addr, p.lane.dest.cfg)
	t.mu.Lock()
	defer t.mu.Unlock()
	p.cancel = nil
	if err != nil {
		return err
	}
	p.client, p.reused, p.mails, p.domains = client, false, 0, nil
	if t.state == transportClosed {
		t.cut(p)
		return ErrTransportClosed
	}
	return nil
}

// undial closes the connection of a slot that is kept. The caller does not hold
// mu.
func (t *Transport) undial(p *pooled) {
	t.mu.Lock()
	defer t.mu.Unlock()
	client := p.client
	p.client = nil
	t.chore(client.leave, func() {})
}

// cut ends what is under way in a slot at once.
func (t *Transport) cut(p *pooled) {
	if p.cancel != nil {
		p.cancel(ErrTransportClosed)
	}
	if client := p.client; client != nil {
		t.chore(func() { _ = client.Close() }, func() {})
	}
}
