-- A library of version 11, of two photos, as that version's program wrote it.
BEGIN TRANSACTION;
CREATE TABLE album_photos (
	album_id INTEGER NOT NULL, 
	photo INTEGER NOT NULL, 
	position INTEGER NOT NULL, 
	PRIMARY KEY (album_id, photo), 
	FOREIGN KEY(album_id) REFERENCES albums (id) ON DELETE CASCADE, 
	FOREIGN KEY(photo) REFERENCES photos (number) ON DELETE CASCADE
);
INSERT INTO "album_photos" VALUES(1,1,0);
CREATE TABLE albums (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name TEXT NOT NULL, 
	folded_name TEXT NOT NULL, 
	"query" TEXT, 
	sort TEXT NOT NULL, 
	cover INTEGER, 
	created_at TEXT NOT NULL, 
	deleted_at TEXT, 
	FOREIGN KEY(cover) REFERENCES photos (number) ON DELETE SET NULL
);
INSERT INTO "albums" VALUES(1,'Trip','trip',NULL,'hand',NULL,'2026-11-28T13:23:05.239+00:00',NULL);
CREATE TABLE automatic_tags (
	photo_id TEXT NOT NULL, 
	head TEXT NOT NULL, 
	label TEXT NOT NULL, 
	score FLOAT NOT NULL, 
	bundle TEXT NOT NULL, 
	PRIMARY KEY (photo_id, head, label), 
	FOREIGN KEY(photo_id) REFERENCES photos (id) ON DELETE CASCADE
);
INSERT INTO "automatic_tags" VALUES('8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29','camera','landmark',9.88685488700866699218e-01,'scene_mobilenet_v2@6e9fff78');
INSERT INTO "automatic_tags" VALUES('8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29','camsdd','architecture',9.06550645828247070312e-01,'scene_mobilenet_v2@6e9fff78');
INSERT INTO "automatic_tags" VALUES('a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638','camera','flower',9.81788396835327148437e-01,'scene_mobilenet_v2@6e9fff78');
INSERT INTO "automatic_tags" VALUES('a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638','camsdd','flower',9.78365123271942138671e-01,'scene_mobilenet_v2@6e9fff78');
CREATE TABLE awaited_facts (
	folder TEXT NOT NULL, 
	name TEXT NOT NULL, 
	facts TEXT NOT NULL, 
	PRIMARY KEY (folder, name)
);
CREATE TABLE choices (
	name TEXT NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "choices" VALUES('settled_photo','2');
CREATE TABLE class_decisions (
	photo_id TEXT NOT NULL, 
	label TEXT NOT NULL, 
	at TEXT NOT NULL, 
	PRIMARY KEY (photo_id), 
	FOREIGN KEY(photo_id) REFERENCES photos (id) ON DELETE CASCADE
);
INSERT INTO "class_decisions" VALUES('8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29','holiday','2026-11-28T09:35:56.340+00:00');
CREATE TABLE compared_photos (
	number INTEGER NOT NULL, 
	embedding_file TEXT, 
	PRIMARY KEY (number), 
	FOREIGN KEY(number) REFERENCES photos (number) ON DELETE CASCADE
);
CREATE TABLE edit_changes (
	edit_id INTEGER NOT NULL, 
	photo_id TEXT NOT NULL, 
	field TEXT NOT NULL, 
	label TEXT NOT NULL, 
	"before" TEXT, 
	"after" TEXT, 
	PRIMARY KEY (edit_id, photo_id, field, label), 
	FOREIGN KEY(edit_id) REFERENCES edits (id) ON DELETE CASCADE
);
INSERT INTO "edit_changes" VALUES(1,'a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638','rating','',NULL,'4');
INSERT INTO "edit_changes" VALUES(2,'a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638','tag','Grandma',NULL,'added');
INSERT INTO "edit_changes" VALUES(3,'8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29','class','',NULL,'holiday');
INSERT INTO "edit_changes" VALUES(4,'','album deleted','1','2026-11-28T13:23:05.239+00:00',NULL);
INSERT INTO "edit_changes" VALUES(4,'8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29','album','1',NULL,'0');
INSERT INTO "edit_changes" VALUES(5,'a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638','date','',NULL,'2024-07-16T10:00:00');
INSERT INTO "edit_changes" VALUES(5,'a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638','date source','',NULL,'person');
INSERT INTO "edit_changes" VALUES(5,'a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638','date confidence','',NULL,'1.0');
INSERT INTO "edit_changes" VALUES(6,'8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29','stack','',NULL,'1 0');
INSERT INTO "edit_changes" VALUES(6,'a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638','stack','',NULL,'1 1');
INSERT INTO "edit_changes" VALUES(7,'a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638','tag','Garden',NULL,'added');
INSERT INTO "edit_changes" VALUES(8,'8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29','clutter','',NULL,'document');
CREATE TABLE edits (
	id INTEGER NOT NULL, 
	at TEXT NOT NULL, 
	description TEXT NOT NULL, 
	undone_at TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "edits" VALUES(1,'2026-11-28T09:35:56.304+00:00','Rated 4',NULL);
INSERT INTO "edits" VALUES(2,'2026-11-28T09:35:56.327+00:00','Added “Grandma”',NULL);
INSERT INTO "edits" VALUES(3,'2026-11-28T09:35:56.338+00:00','Class set to “holiday”',NULL);
INSERT INTO "edits" VALUES(4,'2026-11-28T13:23:05.244+00:00','Album “Trip” made',NULL);
INSERT INTO "edits" VALUES(5,'2026-11-28T16:14:29.021+00:00','Date set to 2024-07-16 10:00:00',NULL);
INSERT INTO "edits" VALUES(6,'2026-11-28T19:56:25.055+00:00','Stacked',NULL);
INSERT INTO "edits" VALUES(7,'2026-11-29T10:54:05.725+00:00','Rule “Flowers”: add the tag “Garden”',NULL);
INSERT INTO "edits" VALUES(8,'2026-11-29T10:54:05.746+00:00','Set apart',NULL);
CREATE TABLE free_slots (
	file TEXT NOT NULL, 
	slot INTEGER NOT NULL, 
	PRIMARY KEY (file, slot)
)
 WITHOUT ROWID

;
CREATE TABLE hash_bands (
	band INTEGER NOT NULL, 
	hash INTEGER NOT NULL, 
	PRIMARY KEY (band, hash)
)
 WITHOUT ROWID

;
INSERT INTO "hash_bands" VALUES(292,-7081696252905309404);
INSERT INTO "hash_bands" VALUES(364,-7249607488552711828);
INSERT INTO "hash_bands" VALUES(1181,-7081696252905309404);
INSERT INTO "hash_bands" VALUES(1252,-7249607488552711828);
INSERT INTO "hash_bands" VALUES(2291,-7249607488552711828);
INSERT INTO "hash_bands" VALUES(2455,-7081696252905309404);
INSERT INTO "hash_bands" VALUES(3270,-7249607488552711828);
INSERT INTO "hash_bands" VALUES(3304,-7081696252905309404);
INSERT INTO "hash_bands" VALUES(4140,-7081696252905309404);
INSERT INTO "hash_bands" VALUES(4486,-7249607488552711828);
INSERT INTO "hash_bands" VALUES(5409,-7249607488552711828);
INSERT INTO "hash_bands" VALUES(5574,-7081696252905309404);
INSERT INTO "hash_bands" VALUES(6765,-7249607488552711828);
INSERT INTO "hash_bands" VALUES(6774,-7081696252905309404);
CREATE TABLE held_tags (
	label TEXT NOT NULL, 
	photo INTEGER NOT NULL, 
	head TEXT NOT NULL, 
	score FLOAT NOT NULL, 
	PRIMARY KEY (label, photo, head)
)
 WITHOUT ROWID

;
INSERT INTO "held_tags" VALUES('Garden',2,'human',1.0);
INSERT INTO "held_tags" VALUES('Grandma',2,'human',1.0);
INSERT INTO "held_tags" VALUES('architecture',1,'camsdd',9.06550645828247070312e-01);
INSERT INTO "held_tags" VALUES('flower',2,'camera',9.81788396835327148437e-01);
INSERT INTO "held_tags" VALUES('flower',2,'camsdd',9.78365123271942138671e-01);
INSERT INTO "held_tags" VALUES('landmark',1,'camera',9.88685488700866699218e-01);
CREATE TABLE imported_albums (
	folded_title TEXT NOT NULL, 
	album_id INTEGER NOT NULL, 
	PRIMARY KEY (folded_title), 
	FOREIGN KEY(album_id) REFERENCES albums (id) ON DELETE CASCADE
);
CREATE TABLE near_hashes (
	hash INTEGER NOT NULL, 
	near INTEGER NOT NULL, 
	PRIMARY KEY (hash, near)
)
 WITHOUT ROWID

;
CREATE TABLE "photos" (
	number INTEGER NOT NULL, 
	id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	folded_name TEXT NOT NULL, 
	format TEXT NOT NULL, 
	file_bytes INTEGER NOT NULL, 
	width INTEGER NOT NULL, 
	height INTEGER NOT NULL, 
	added_at TEXT NOT NULL, 
	auto_taken_at TEXT, 
	auto_taken_source TEXT, 
	auto_taken_confidence FLOAT, 
	camera TEXT, 
	lens TEXT, 
	latitude FLOAT, 
	longitude FLOAT, 
	bundle TEXT NOT NULL, 
	backbone TEXT, 
	class_head TEXT NOT NULL, 
	tag_head TEXT, 
	embedding_file TEXT, 
	embedding_slot INTEGER, 
	reference TEXT, 
	class_head_label TEXT NOT NULL, 
	confidence FLOAT NOT NULL, 
	class_head_unsure BOOLEAN NOT NULL, 
	auto_class TEXT NOT NULL, 
	auto_class_source TEXT NOT NULL, 
	auto_class_score FLOAT NOT NULL, 
	perceptual_hash INTEGER, 
	human_class TEXT, 
	decided_tags INTEGER DEFAULT '0' NOT NULL, 
	photo_class TEXT GENERATED ALWAYS AS (coalesce(human_class, auto_class)) VIRTUAL, 
	class_score FLOAT GENERATED ALWAYS AS (CASE WHEN human_class IS NULL THEN auto_class_score ELSE 1.0 END), 
	trashed_at TEXT, 
	fallback_class TEXT DEFAULT 'unsure' NOT NULL, 
	fallback_class_source TEXT DEFAULT 'none' NOT NULL, 
	fallback_class_score FLOAT DEFAULT '0' NOT NULL, 
	auto_group TEXT, 
	auto_group_score FLOAT, 
	guess TEXT, 
	guess_score FLOAT, 
	favourite BOOLEAN DEFAULT '0' NOT NULL, 
	imported_rating INTEGER, 
	human_rating INTEGER, 
	rating INTEGER GENERATED ALWAYS AS (coalesce(human_rating, imported_rating, 0)) VIRTUAL, 
	human_taken_at TEXT, 
	human_taken_source TEXT, 
	human_taken_confidence FLOAT, 
	taken_at TEXT GENERATED ALWAYS AS (nullif(coalesce(human_taken_at, auto_taken_at), '')) VIRTUAL, 
	taken_source TEXT GENERATED ALWAYS AS (CASE WHEN human_taken_at IS NULL THEN auto_taken_source ELSE human_taken_source END) VIRTUAL, 
	taken_confidence FLOAT GENERATED ALWAYS AS (CASE WHEN human_taken_at IS NULL THEN auto_taken_confidence ELSE human_taken_confidence END) VIRTUAL, 
	folder TEXT, 
	modified_at TEXT, 
	duration FLOAT, 
	content_id TEXT, 
	stack_name TEXT, 
	film_start INTEGER, 
	film_bytes INTEGER, 
	description TEXT, 
	burst_id TEXT, 
	subsecond FLOAT, 
	exposure_s FLOAT, 
	exposure_bias FLOAT, 
	f_number FLOAT, 
	iso INTEGER, 
	exposure_mode INTEGER, 
	sharpness FLOAT, 
	clipped FLOAT, 
	brightness FLOAT, 
	white_level FLOAT, 
	tonal_range FLOAT, 
	sequence_checked BOOLEAN, 
	place_id INTEGER, 
	place_source TEXT, 
	place_km FLOAT, 
	altitude_m FLOAT, 
	auto_clutter TEXT, 
	clutter_rule INTEGER, 
	human_clutter TEXT, 
	clutter TEXT GENERATED ALWAYS AS (nullif(coalesce(human_clutter, auto_clutter), '')) VIRTUAL, 
	awaits_rules BOOLEAN, 
	remote_url TEXT, 
	PRIMARY KEY (number), 
	UNIQUE (id)
);
INSERT INTO "photos" VALUES(1,'8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29','china.jpg','china.jpg','JPEG',196653,640,427,'2026-11-28T09:35:55.659+00:00','2000-01-01T00:00:10','EXIF',0.05,NULL,NULL,NULL,NULL,'scene_mobilenet_v2@6e9fff78','b44891578870cd64','scenes','camera','b44891578870cd64-2560',0,NULL,'buildings',9.34128344058990478515e-01,1,'landmark','camera',9.88685488700866699218e-01,-7081696252905309404,'holiday',0,NULL,'landmark','camera',9.88685488700866699218e-01,'city',9.92547690868377685546e-01,'landmark',9.88685488700866699218e-01,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'china',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'document',NULL,NULL);
INSERT INTO "photos" VALUES(2,'a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638','flower.jpg','flower.jpg','JPEG',142987,640,427,'2026-11-28T09:35:55.659+00:00','2024-07-15T12:34:56','DateTimeOriginal',0.95,NULL,NULL,NULL,NULL,'scene_mobilenet_v2@6e9fff78','b44891578870cd64','scenes','camera','b44891578870cd64-2560',1,NULL,'sea',0.577075183391571,1,'flower','camera',9.81788396835327148437e-01,-7249607488552711828,NULL,2,NULL,'flower','camera',9.81788396835327148437e-01,'plants',9.92976367473602294921e-01,'flower',9.81788396835327148437e-01,0,NULL,4,'2024-07-16T10:00:00','person',1.0,NULL,NULL,NULL,NULL,'flower',NULL,NULL,'In the garden',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'s3://bucket/flower.jpg');
CREATE TABLE places (
	id INTEGER NOT NULL, 
	"key" TEXT NOT NULL, 
	name TEXT NOT NULL, 
	folded_name TEXT NOT NULL, 
	region TEXT, 
	folded_region TEXT DEFAULT '' NOT NULL, 
	country TEXT, 
	country_name TEXT, 
	kind TEXT NOT NULL, 
	geonames_id INTEGER, 
	time_zone TEXT, 
	words TEXT NOT NULL, 
	country_words TEXT NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE ("key")
);
CREATE TABLE rule_runs (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	rule_id INTEGER, 
	rule_name TEXT NOT NULL, 
	words TEXT NOT NULL, 
	at TEXT NOT NULL, 
	is_on_all BOOLEAN NOT NULL, 
	photo_count INTEGER NOT NULL, 
	edit_id INTEGER, 
	undone_at TEXT, 
	copy_state TEXT, 
	copy_folder TEXT, 
	copy_layout TEXT, 
	copy_token TEXT, 
	copy_count INTEGER, 
	copy_note TEXT, 
	sidecar_state TEXT, 
	sidecar_count INTEGER, 
	sidecar_note TEXT, 
	FOREIGN KEY(rule_id) REFERENCES rules (id) ON DELETE SET NULL, 
	UNIQUE (edit_id), 
	FOREIGN KEY(edit_id) REFERENCES edits (id) ON DELETE SET NULL
);
INSERT INTO "rule_runs" VALUES(1,1,'Flowers','add the tag “Garden”','2026-11-29T10:54:05.744+00:00',1,1,7,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE rule_sidecars (
	path TEXT NOT NULL, 
	run_id INTEGER NOT NULL, 
	photo_id TEXT NOT NULL, 
	sha256 TEXT NOT NULL, 
	token TEXT NOT NULL, 
	PRIMARY KEY (path), 
	FOREIGN KEY(run_id) REFERENCES rule_runs (id) ON DELETE CASCADE
);
CREATE TABLE rules (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name TEXT NOT NULL, 
	folded_name TEXT NOT NULL, 
	"query" TEXT NOT NULL, 
	actions TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	is_active BOOLEAN DEFAULT '0' NOT NULL, 
	pause_reason TEXT, 
	created_at TEXT NOT NULL, 
	UNIQUE (folded_name)
);
INSERT INTO "rules" VALUES(1,'Flowers','flowers','flower','[["tag", "Garden"]]',0,0,NULL,'2026-11-29T10:54:05.721+00:00');
CREATE TABLE saved_searches (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name TEXT NOT NULL, 
	folded_name TEXT NOT NULL, 
	"query" TEXT NOT NULL, 
	sort TEXT NOT NULL, 
	UNIQUE (folded_name)
);
CREATE TABLE stack_photos (
	photo INTEGER NOT NULL, 
	stack_id INTEGER, 
	position INTEGER DEFAULT '0' NOT NULL, 
	tile INTEGER, 
	PRIMARY KEY (photo), 
	FOREIGN KEY(photo) REFERENCES photos (number) ON DELETE CASCADE, 
	FOREIGN KEY(stack_id) REFERENCES stacks (id) ON DELETE CASCADE
);
INSERT INTO "stack_photos" VALUES(1,1,0,1);
INSERT INTO "stack_photos" VALUES(2,1,1,1);
CREATE TABLE stacks (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	kind TEXT NOT NULL, 
	made_by TEXT NOT NULL
);
INSERT INTO "stacks" VALUES(1,'burst','person');
CREATE TABLE tag_decisions (
	photo_id TEXT NOT NULL, 
	label TEXT NOT NULL, 
	verdict TEXT NOT NULL, 
	at TEXT NOT NULL, 
	PRIMARY KEY (photo_id, label), 
	FOREIGN KEY(photo_id) REFERENCES photos (id) ON DELETE CASCADE
);
INSERT INTO "tag_decisions" VALUES('a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638','Grandma','added','2026-11-28T09:35:56.334+00:00');
INSERT INTO "tag_decisions" VALUES('a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638','Garden','added','2026-11-29T10:54:05.730+00:00');
CREATE TABLE taught_tags (
	label TEXT NOT NULL, 
	backbone TEXT NOT NULL, 
	kernel BLOB NOT NULL, 
	bias FLOAT NOT NULL, 
	threshold FLOAT NOT NULL, 
	told TEXT NOT NULL, 
	made_at TEXT NOT NULL, 
	PRIMARY KEY (label, backbone)
);
CREATE TABLE trip_photos (
	photo INTEGER NOT NULL, 
	trip_id INTEGER, 
	day TEXT, 
	chapter INTEGER DEFAULT '0' NOT NULL, 
	is_by_person BOOLEAN DEFAULT '0' NOT NULL, 
	PRIMARY KEY (photo), 
	FOREIGN KEY(photo) REFERENCES photos (number) ON DELETE CASCADE, 
	FOREIGN KEY(trip_id) REFERENCES trips (id) ON DELETE CASCADE
);
CREATE TABLE trips (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	title TEXT NOT NULL, 
	folded_title TEXT NOT NULL, 
	is_titled_by_person BOOLEAN DEFAULT '0' NOT NULL, 
	state TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	home_km FLOAT, 
	first_at TEXT, 
	last_at TEXT
);
CREATE TABLE twins (
	one INTEGER NOT NULL, 
	other INTEGER NOT NULL, 
	kind TEXT NOT NULL, 
	likeness FLOAT NOT NULL, 
	dismissed_at TEXT, 
	PRIMARY KEY (one, other), 
	FOREIGN KEY(one) REFERENCES photos (number) ON DELETE CASCADE, 
	FOREIGN KEY(other) REFERENCES photos (number) ON DELETE CASCADE
)
 WITHOUT ROWID

;
CREATE INDEX tag_decisions_by_label ON tag_decisions (label, photo_id);
CREATE INDEX class_decisions_by_label ON class_decisions (label, photo_id);
CREATE INDEX twins_by_other ON twins (other);
CREATE UNIQUE INDEX albums_by_name ON albums (folded_name) WHERE deleted_at IS NULL;
CREATE INDEX albums_by_cover ON albums (cover);
CREATE INDEX album_photos_by_photo ON album_photos (photo);
CREATE INDEX stack_photos_by_stack ON stack_photos (stack_id, position);
CREATE INDEX stack_photos_hidden ON stack_photos (photo, tile) WHERE tile <> photo;
CREATE INDEX edit_changes_by_photo ON edit_changes (photo_id, field);
CREATE INDEX rule_runs_by_rule ON rule_runs (rule_id);
CREATE INDEX trip_photos_by_trip ON trip_photos (trip_id, day, chapter, photo);
CREATE INDEX rule_sidecars_by_run ON rule_sidecars (run_id);
CREATE INDEX photos_awaiting_rules ON photos (number) WHERE awaits_rules IS NOT NULL;
CREATE INDEX photos_by_added ON photos (trashed_at, added_at DESC, folded_name, number, photo_class, human_class, auto_group, decided_tags, class_score, camera, taken_at, latitude, longitude, favourite, rating);
CREATE INDEX photos_by_camera ON photos (camera, number);
CREATE INDEX photos_by_class ON photos (trashed_at, photo_class, added_at DESC, folded_name, number);
CREATE INDEX photos_by_clutter_rule ON photos (clutter_rule, number);
CREATE INDEX photos_by_content_id ON photos (content_id) WHERE content_id IS NOT NULL;
CREATE INDEX photos_by_group ON photos (trashed_at, auto_group, human_class, photo_class);
CREATE INDEX photos_by_hash ON photos (trashed_at, perceptual_hash, number);
CREATE INDEX photos_by_lens ON photos (lens, number);
CREATE INDEX photos_by_moment ON photos (camera, auto_taken_at);
CREATE INDEX photos_by_name ON photos (trashed_at, folded_name, number, photo_class, human_class, auto_group, decided_tags, class_score, camera, added_at, taken_at, latitude, longitude, favourite, rating);
CREATE INDEX photos_by_place ON photos (place_id, trashed_at) WHERE place_id IS NOT NULL;
CREATE INDEX photos_by_score ON photos (trashed_at, class_score DESC, folded_name, number, photo_class, human_class, auto_group, decided_tags, camera, added_at, taken_at, latitude, longitude, favourite, rating);
CREATE INDEX photos_by_size ON photos (trashed_at, file_bytes DESC, folded_name, number, photo_class, human_class, auto_group, decided_tags, class_score, camera, added_at, taken_at, latitude, longitude, favourite, rating);
CREATE UNIQUE INDEX photos_by_slot ON photos (embedding_file, embedding_slot);
CREATE INDEX photos_by_stack_name ON photos (stack_name, folder);
CREATE INDEX photos_by_taken ON photos (trashed_at, taken_at DESC, folded_name, number, photo_class, human_class, auto_group, decided_tags, class_score, camera, added_at, latitude, longitude, favourite, rating);
CREATE INDEX photos_outside_sequences ON photos (camera, auto_taken_at) WHERE sequence_checked IS NULL;
CREATE INDEX photos_with_clutter ON photos (clutter, human_clutter, trashed_at, number) WHERE clutter IS NOT NULL;
CREATE INDEX photos_with_description ON photos (number, description) WHERE description IS NOT NULL;
CREATE INDEX photos_with_film ON photos (number) WHERE film_start IS NOT NULL;
CREATE TRIGGER automatic_tag_said AFTER INSERT ON automatic_tags BEGIN INSERT OR IGNORE INTO held_tags (label, photo, head, score) SELECT a.label, p.number, a.head, a.score FROM automatic_tags a JOIN photos p ON p.id = a.photo_id WHERE a.photo_id = NEW.photo_id AND a.label = NEW.label AND NOT EXISTS (SELECT 1 FROM tag_decisions d WHERE d.photo_id = NEW.photo_id AND d.label = NEW.label); END;
CREATE TRIGGER automatic_tag_withdrawn AFTER DELETE ON automatic_tags BEGIN DELETE FROM held_tags WHERE label = OLD.label AND photo = (SELECT number FROM photos WHERE id = OLD.photo_id) AND head = OLD.head; END;
CREATE TRIGGER tag_decided AFTER INSERT ON tag_decisions BEGIN DELETE FROM held_tags WHERE label = NEW.label AND photo = (SELECT number FROM photos WHERE id = NEW.photo_id);INSERT INTO held_tags (label, photo, head, score) SELECT NEW.label, number, 'human', 1.0 FROM photos WHERE id = NEW.photo_id AND NEW.verdict = 'added';UPDATE photos SET decided_tags = decided_tags + 1 WHERE id = NEW.photo_id; END;
CREATE TRIGGER tag_decided_anew AFTER UPDATE OF verdict ON tag_decisions BEGIN DELETE FROM held_tags WHERE label = NEW.label AND photo = (SELECT number FROM photos WHERE id = NEW.photo_id);INSERT INTO held_tags (label, photo, head, score) SELECT NEW.label, number, 'human', 1.0 FROM photos WHERE id = NEW.photo_id AND NEW.verdict = 'added'; END;
CREATE TRIGGER tag_decision_withdrawn AFTER DELETE ON tag_decisions BEGIN DELETE FROM held_tags WHERE label = OLD.label AND photo = (SELECT number FROM photos WHERE id = OLD.photo_id);INSERT OR IGNORE INTO held_tags (label, photo, head, score) SELECT a.label, p.number, a.head, a.score FROM automatic_tags a JOIN photos p ON p.id = a.photo_id WHERE a.photo_id = OLD.photo_id AND a.label = OLD.label ;UPDATE photos SET decided_tags = decided_tags - 1 WHERE id = OLD.photo_id; END;
CREATE TRIGGER class_decided AFTER INSERT ON class_decisions BEGIN UPDATE photos SET human_class = NEW.label WHERE id = NEW.photo_id; END;
CREATE TRIGGER class_decided_anew AFTER UPDATE OF label ON class_decisions BEGIN UPDATE photos SET human_class = NEW.label WHERE id = NEW.photo_id; END;
CREATE TRIGGER class_decision_withdrawn AFTER DELETE ON class_decisions BEGIN UPDATE photos SET human_class = NULL WHERE id = OLD.photo_id; END;
CREATE TRIGGER photo_tags_withdrawn BEFORE DELETE ON photos BEGIN DELETE FROM held_tags WHERE photo = OLD.number AND label IN (SELECT label FROM automatic_tags WHERE photo_id = OLD.id UNION SELECT label FROM tag_decisions WHERE photo_id = OLD.id); END;
CREATE TRIGGER slot_freed AFTER DELETE ON photos WHEN OLD.embedding_slot IS NOT NULL BEGIN INSERT OR IGNORE INTO free_slots VALUES (OLD.embedding_file, OLD.embedding_slot); END;
CREATE TRIGGER slot_left AFTER UPDATE OF embedding_file, embedding_slot ON photos WHEN OLD.embedding_slot IS NOT NULL AND (OLD.embedding_slot, OLD.embedding_file) IS NOT (NEW.embedding_slot, NEW.embedding_file) BEGIN INSERT OR IGNORE INTO free_slots VALUES (OLD.embedding_file, OLD.embedding_slot); END;
CREATE TRIGGER place_left AFTER UPDATE OF latitude, longitude ON photos WHEN (OLD.latitude, OLD.longitude) IS NOT (NEW.latitude, NEW.longitude) BEGIN UPDATE photos SET place_id = NULL, place_source = NULL, place_km = NULL WHERE number = NEW.number; END;
CREATE TRIGGER settled_photo_deleted AFTER DELETE ON photos BEGIN UPDATE choices SET value = (SELECT coalesce(max(number), 0) FROM photos) WHERE name = 'settled_photo' AND CAST(value AS INTEGER) > (SELECT coalesce(max(number), 0) FROM photos); END;
CREATE TRIGGER stack_joined AFTER INSERT ON stack_photos BEGIN UPDATE stack_photos SET tile = (SELECT member.photo FROM stack_photos member JOIN photos ON photos.number = member.photo WHERE member.stack_id = NEW.stack_id AND photos.trashed_at IS NULL ORDER BY member.position, member.photo LIMIT 1) WHERE stack_id = NEW.stack_id; END;
CREATE TRIGGER stack_left AFTER DELETE ON stack_photos BEGIN UPDATE stack_photos SET tile = (SELECT member.photo FROM stack_photos member JOIN photos ON photos.number = member.photo WHERE member.stack_id = OLD.stack_id AND photos.trashed_at IS NULL ORDER BY member.position, member.photo LIMIT 1) WHERE stack_id = OLD.stack_id; END;
CREATE TRIGGER stack_changed AFTER UPDATE OF stack_id, position ON stack_photos BEGIN UPDATE stack_photos SET tile = NULL WHERE photo = NEW.photo AND stack_id IS NULL;UPDATE stack_photos SET tile = (SELECT member.photo FROM stack_photos member JOIN photos ON photos.number = member.photo WHERE member.stack_id = OLD.stack_id AND photos.trashed_at IS NULL ORDER BY member.position, member.photo LIMIT 1) WHERE stack_id = OLD.stack_id;UPDATE stack_photos SET tile = (SELECT member.photo FROM stack_photos member JOIN photos ON photos.number = member.photo WHERE member.stack_id = NEW.stack_id AND photos.trashed_at IS NULL ORDER BY member.position, member.photo LIMIT 1) WHERE stack_id = NEW.stack_id; END;
CREATE TRIGGER stacked_photo_moved AFTER UPDATE OF trashed_at ON photos WHEN NEW.trashed_at IS NOT OLD.trashed_at AND EXISTS (SELECT 1 FROM stack_photos WHERE photo = NEW.number) BEGIN UPDATE stack_photos SET tile = (SELECT member.photo FROM stack_photos member JOIN photos ON photos.number = member.photo WHERE member.stack_id = (SELECT stack_id FROM stack_photos WHERE photo = NEW.number) AND photos.trashed_at IS NULL ORDER BY member.position, member.photo LIMIT 1) WHERE stack_id = (SELECT stack_id FROM stack_photos WHERE photo = NEW.number); END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('albums',1);
INSERT INTO "sqlite_sequence" VALUES('stacks',1);
INSERT INTO "sqlite_sequence" VALUES('rules',1);
INSERT INTO "sqlite_sequence" VALUES('rule_runs',1);
COMMIT;
PRAGMA user_version = 11;
