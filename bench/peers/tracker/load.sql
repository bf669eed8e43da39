-- What RT's own Create writes for a customer and for a ticket with its correspondence, in bulk: principals,
-- groups for each role with their members (also the cached ones, by which rights are looked up),
-- transactions and their text. The transactions of mails that it sends in answer are left out.
CREATE TEMP TABLE base AS SELECT max(id) AS id, (SELECT count(*) FROM given_customer) AS customers FROM Principals;
CREATE TEMP TABLE known AS
SELECT (SELECT id FROM Users WHERE Name = 'Nobody') AS nobody, (SELECT id FROM Users WHERE Name = 'RT_System') AS system,
  (SELECT id FROM Groups WHERE Domain = 'SystemInternal' AND Name = 'Everyone') AS everyone,
  (SELECT id FROM Groups WHERE Domain = 'SystemInternal' AND Name = 'Unprivileged') AS unprivileged;
CREATE TEMP TABLE person AS
SELECT c.id AS customer, b.id + 2 * c.id - 1 AS id, b.id + 2 * c.id AS stash FROM given_customer c, base b;
CREATE TEMP TABLE role AS
SELECT t.id AS ticket, r.name, b.id + 2 * b.customers + 4 * (t.id - 1) + r.n AS id, p.id AS person, t.said_at
FROM given_ticket t JOIN person p ON p.customer = t.customer, base b,
  (VALUES (1, 'Requestor'), (2, 'Owner'), (3, 'Cc'), (4, 'AdminCc')) r (n, name);
CREATE INDEX ON person (customer);
ANALYZE person;

INSERT INTO Principals (id, PrincipalType) SELECT id, 'User' FROM person UNION ALL SELECT stash, 'Group' FROM person;
INSERT INTO Users (id, Name, EmailAddress, RealName, Password, Creator, Created, LastUpdatedBy, LastUpdated)
SELECT p.id, 'p' || customer || '@customers.example', 'p' || customer || '@customers.example', 'Customer ' || customer,
  '*NO-PASSWORD*', k.system, now() AT TIME ZONE 'UTC', k.system, now() AT TIME ZONE 'UTC' FROM person p, known k;
INSERT INTO Groups (id, Name, Description, Domain, Instance, Creator, Created, LastUpdatedBy, LastUpdated)
SELECT stash, 'UserEquiv', 'ACL equiv. for user ' || p.id, 'ACLEquivalence', p.id, k.system, now() AT TIME ZONE 'UTC',
  k.system, now() AT TIME ZONE 'UTC' FROM person p, known k;
INSERT INTO GroupMembers (GroupId, MemberId, Creator, LastUpdatedBy)
SELECT g, p.id, k.system, k.system FROM person p, known k, LATERAL (VALUES (stash), (everyone), (unprivileged)) v (g);
INSERT INTO CachedGroupMembers (GroupId, MemberId, ImmediateParentId)
SELECT stash, stash, stash FROM person
UNION ALL SELECT g, p.id, g FROM person p, known k, LATERAL (VALUES (stash), (everyone), (unprivileged)) v (g);

INSERT INTO Tickets (id, EffectiveId, Queue, Type, Owner, Subject, Status, Started, Resolved, LastUpdatedBy,
  LastUpdated, Creator, Created)
SELECT t.id, t.id, q.id, 'ticket', k.nobody, t.subject, t.state, CASE WHEN t.state <> 'new' THEN t.said_at END,
  CASE WHEN t.state = 'resolved' THEN t.said_at END, p.id, t.said_at, p.id, t.said_at
FROM given_ticket t JOIN person p ON p.customer = t.customer
JOIN Queues q ON q.Name = 'Company ' || t.queue, known k;
INSERT INTO Principals (id, PrincipalType) SELECT id, 'Group' FROM role;
INSERT INTO Groups (id, Name, Domain, Instance, Creator, Created, LastUpdatedBy, LastUpdated)
SELECT id, name, 'RT::Ticket-Role', ticket, person, said_at, person, said_at FROM role;
INSERT INTO GroupMembers (GroupId, MemberId, Creator, Created, LastUpdatedBy, LastUpdated)
SELECT r.id, CASE r.name WHEN 'Owner' THEN k.nobody ELSE r.person END, r.person, r.said_at, r.person, r.said_at
FROM role r, known k WHERE r.name IN ('Requestor', 'Owner');
INSERT INTO CachedGroupMembers (GroupId, MemberId, ImmediateParentId)
SELECT id, id, id FROM role UNION ALL
SELECT r.id, CASE r.name WHEN 'Owner' THEN k.nobody ELSE r.person END, r.id FROM role r, known k
WHERE r.name IN ('Requestor', 'Owner');
UPDATE CachedGroupMembers SET Via = id WHERE Via IS NULL;

CREATE TEMP TABLE spoken AS
SELECT m.id - x.least + 1 + (SELECT coalesce(max(id), 0) FROM Transactions) AS transaction,
  m.id - x.least + 1 + (SELECT coalesce(max(id), 0) FROM Attachments) AS attachment, m.ticket, m.n, m.said, t.subject,
  t.said_at, p.id AS person
FROM given_message m JOIN given_ticket t ON t.id = m.ticket JOIN person p ON p.customer = t.customer,
  (SELECT min(id) AS least FROM given_message) x;
INSERT INTO Transactions (id, ObjectType, ObjectId, Type, Creator, Created)
SELECT transaction, 'RT::Ticket', ticket, CASE n WHEN 1 THEN 'Create' ELSE 'Correspond' END, person, said_at FROM spoken;
INSERT INTO Attachments (id, TransactionId, MessageId, Subject, ContentType, ContentEncoding, Content, Headers, Creator,
  Created)
SELECT attachment, transaction, attachment || '@customers.example', subject, 'text/plain', 'none', said,
  'MIME-Version: 1.0' || chr(10) || 'Subject: ' || subject || chr(10) || 'Content-Type: text/plain; charset="utf-8"'
  || chr(10) || 'Message-ID: <' || attachment || '@customers.example>' || chr(10), person, said_at FROM spoken;

SELECT setval('principals_id_seq', (SELECT max(id) FROM Principals)),
  setval('users_id_seq', (SELECT max(id) FROM Users)), setval('groups_id_seq', (SELECT max(id) FROM Groups)),
  setval('tickets_id_seq', (SELECT max(id) FROM Tickets)),
  setval('transactions_id_seq', (SELECT max(id) FROM Transactions)),
  setval('attachments_id_seq', (SELECT max(id) FROM Attachments));
