-- As its own form makes a ticket: what was said first is its description and its first follow-up.
INSERT INTO helpdesk_ticket (id, title, created, modified, submitter_email, status, on_hold, description, priority,
  queue_id, secret_key)
SELECT t.id, t.subject, t.said_at, t.said_at, 'p' || t.customer || '@customers.example',
  CASE WHEN t.state = 'resolved' THEN 3 ELSE 1 END, false, m.said, 3, t.queue, gen_random_uuid()
FROM given_ticket t JOIN given_message m ON m.ticket = t.id AND m.n = 1;
INSERT INTO helpdesk_followup (date, title, comment, public, ticket_id, email_recipients)
SELECT t.said_at, CASE m.n WHEN 1 THEN 'Ticket Opened Via Web' ELSE 'Comment' END, m.said, true, t.id, '[]'
FROM given_ticket t JOIN given_message m ON m.ticket = t.id ORDER BY t.id, m.n;
SELECT setval(pg_get_serial_sequence('helpdesk_ticket', 'id'), (SELECT max(id) FROM helpdesk_ticket));
