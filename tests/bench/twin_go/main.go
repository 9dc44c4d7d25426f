// Admission's bare job in Go (franz-go, go-redis), to know where the C program stands: reads requests, holds one token each with
// the same Lua script, writes accepted, job and journal entry in one transaction with the offsets. What it leaves out: duplicates,
// conflicts, rejections, validation beyond required fields, dead letters, metrics, recovery from trouble.
//
//	go run . -brokers A -redis A -prefix P -scripts common/tokens -partitions 32 -total N -batch 2000
//
// Prints one JSON object: count, and the rate between 5 % and 95 % of the total.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"hash/crc32"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"
)

type request struct {
	GenerationID string `json:"generationId"`
	UserID       string `json:"userId"`
	Prompt       string `json:"prompt"`
}

type quote struct {
	Model         string `json:"model"`
	Units         int64  `json:"units"`
	Tokens        int64  `json:"tokens"`
	PolicyVersion string `json:"policyVersion"`
}

type balance struct {
	Granted   int64 `json:"granted"`
	Available int64 `json:"available"`
	Reserved  int64 `json:"reserved"`
	Spent     int64 `json:"spent"`
}

type accepted struct {
	GenerationID   string  `json:"generationId"`
	UserID         string  `json:"userId"`
	RequiredTokens int64   `json:"requiredTokens"`
	Quote          quote   `json:"quote"`
	Balance        balance `json:"balance"`
}

type job struct {
	GenerationID    string `json:"generationId"`
	UserID          string `json:"userId"`
	Prompt          string `json:"prompt"`
	Model           string `json:"model"`
	DurationSeconds int64  `json:"durationSeconds"`
	Ratio           string `json:"ratio"`
	RequiredTokens  int64  `json:"requiredTokens"`
	AcceptedAt      string `json:"acceptedAt"`
	DeadlineAt      string `json:"deadlineAt"`
}

type entry struct {
	Kind         string  `json:"kind"`
	UserID       string  `json:"userId"`
	GenerationID string  `json:"generationId"`
	Amount       int64   `json:"amount"`
	Description  string  `json:"description"`
	Origin       string  `json:"origin"`
	Fingerprint  string  `json:"fingerprint"`
	Quote        quote   `json:"quote"`
	Balance      balance `json:"balance"`
	At           string  `json:"at"`
}

// The script as the build puts it together: its parts are named in embed.cmake.
func script(folder, name string) *redis.Script {
	plan, err := os.ReadFile(filepath.Join(folder, "embed.cmake"))
	if err != nil {
		log.Fatal(err)
	}
	row := regexp.MustCompile(`(?m)^set\(` + name + `([^)]*)\)`).FindSubmatch(plan)
	if row == nil {
		log.Fatalf("embed.cmake does not say what %s is made of", name)
	}
	var text strings.Builder
	for _, part := range append(strings.Fields(string(row[1])), name) {
		bytes, err := os.ReadFile(filepath.Join(folder, part+".lua"))
		if err != nil {
			log.Fatal(err)
		}
		text.Write(bytes)
		text.WriteByte('\n')
	}
	return redis.NewScript(text.String())
}

// The journal's partition is given (the bucket); elsewhere the key decides, as murmur2 has it.
type byKeyOrGiven struct{}

func (byKeyOrGiven) ForTopic(topic string) kgo.TopicPartitioner {
	if strings.HasSuffix(topic, "journal") {
		return kgo.ManualPartitioner().ForTopic(topic)
	}
	return kgo.StickyKeyPartitioner(nil).ForTopic(topic)
}

func headers(kind, generation, at string) []kgo.RecordHeader {
	h := func(k, v string) kgo.RecordHeader { return kgo.RecordHeader{Key: k, Value: []byte(v)} }
	return []kgo.RecordHeader{h("ce_specversion", "1.0"), h("ce_id", generation+"/"+kind), h("ce_type", "reelgate."+kind),
		h("ce_source", "twin"), h("ce_time", at), h("ce_subject", generation), h("content-type", "application/json"),
		h("traceparent", "00-f1a9acfeffa54939844db7665c195793-e11a9c96cd5f836f-01")}
}

func main() {
	brokers := flag.String("brokers", "", "")
	address := flag.String("redis", "", "")
	prefix := flag.String("prefix", "", "")
	scripts := flag.String("scripts", "", "")
	partitions := flag.Int("partitions", 32, "")
	total := flag.Int("total", 0, "")
	size := flag.Int("batch", 2000, "")
	flag.Parse()

	ctx := context.Background()
	db := redis.NewClient(&redis.Options{Addr: *address, PoolSize: 1, ReadTimeout: 10 * time.Second})
	reserve, guard := script(*scripts, "reserve"), script(*scripts, "guard")
	for _, s := range []*redis.Script{reserve, guard} {
		if err := s.Load(ctx, db).Err(); err != nil {
			log.Fatal(err)
		}
	}
	meta := func(b int) string { return fmt.Sprintf("rg:{%d}:meta", b) }
	verified := make([]string, *partitions)
	for b := range verified {
		verified[b] = db.HGet(ctx, meta(b), "verified").Val()
	}
	session, err := kgo.NewGroupTransactSession(
		kgo.SeedBrokers(*brokers), kgo.TransactionalID(*prefix+"twin"), kgo.ConsumerGroup(*prefix+"twin"),
		kgo.ConsumeTopics(*prefix+"requests"), kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.RequireStableFetchOffsets(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.ProducerBatchCompression(kgo.Lz4Compression()),
		kgo.RecordPartitioner(byKeyOrGiven{}))
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()

	var samples []sample
	done := 0
	for done < *total {
		fetches := session.PollRecords(ctx, *size)
		records := fetches.Records()
		if len(records) == 0 {
			continue
		}
		if err := run(ctx, session, db, reserve, guard, records, verified, *prefix, meta); err != nil {
			log.Fatal(err)
		}
		done += len(records)
		samples = append(samples, sample{time.Now(), done})
	}
	fmt.Printf("{\"count\":%d,\"rate\":%.0f}\n", done, rate(samples, *total))
}

type sample struct {
	at   time.Time
	done int
}

func rate(samples []sample, total int) float64 {
	var first, last *sample
	for i := range samples {
		s := &samples[i]
		if s.done*20 >= total && s.done*20 <= total*19 {
			if first == nil {
				first = s
			}
			last = s
		}
	}
	if first == nil || last == first {
		return 0
	}
	return float64(last.done-first.done) / last.at.Sub(first.at).Seconds()
}

func run(ctx context.Context, session *kgo.GroupTransactSession, db *redis.Client, reserve, guard *redis.Script,
	records []*kgo.Record, verified []string, prefix string, meta func(int) string) error {
	now := time.Now().UTC()
	at, deadline := now.Format("2006-01-02T15:04:05.000Z"), now.Add(15*time.Minute).Format("2006-01-02T15:04:05.000Z")
	requests := make([]request, len(records))
	buckets := make([]int, len(records))
	pipe := db.Pipeline()
	for i, record := range records {
		if err := json.Unmarshal(record.Value, &requests[i]); err != nil {
			return err
		}
		buckets[i] = int(crc32.ChecksumIEEE([]byte(requests[i].UserID)) % uint32(len(verified)))
	}
	touched := map[int]bool{}
	for _, b := range buckets {
		if !touched[b] {
			touched[b] = true
			guard.EvalSha(ctx, pipe, []string{meta(b)}, verified[b])
		}
	}
	answers := make([]*redis.Cmd, len(records))
	origins := make([]string, len(records))
	for i, r := range requests {
		b := buckets[i]
		tag := fmt.Sprintf("rg:{%d}:", b)
		origins[i] = fmt.Sprintf("%s/%d@%d", records[i].Topic, records[i].Partition, records[i].Offset)
		answers[i] = reserve.EvalSha(ctx, pipe,
			[]string{meta(b), tag + "user:" + r.UserID, tag + "gen:" + r.GenerationID, tag + "open"},
			verified[b], "", r.UserID, r.GenerationID, origins[i], "00112233445566778899aabbccddeeff", "1",
			"1 gen4.5 twin", strconv.FormatInt(now.UnixMilli(), 10), "", "3600000")
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return err
	}
	if err := session.Begin(); err != nil {
		return err
	}
	for i, r := range requests {
		parts := strings.Fields(answers[i].Val().(string))
		if parts[0] != "held" {
			return fmt.Errorf("%s: %v", r.GenerationID, parts)
		}
		number := func(k int) int64 { n, _ := strconv.ParseInt(parts[k], 10, 64); return n }
		q := quote{"gen4.5", 1, number(1), "twin"}
		after := balance{number(2), number(3), number(4), number(5)}
		produce := func(topic, key, kind string, partition int32, value any) {
			bytes, _ := json.Marshal(value)
			session.Produce(ctx, &kgo.Record{Topic: prefix + topic, Key: []byte(key), Value: bytes, Partition: partition,
				Headers: headers(kind, r.GenerationID, at)}, nil)
		}
		produce("results", r.UserID, "generation.accepted", -1, accepted{r.GenerationID, r.UserID, 1, q, after})
		produce("jobs", r.GenerationID, "generation.job", -1,
			job{r.GenerationID, r.UserID, r.Prompt, "gen4.5", 5, "1280:720", 1, at, deadline})
		produce("journal", r.UserID, "tokens.entry", int32(buckets[i]),
			entry{"reserve", r.UserID, r.GenerationID, 1, "Hold for video generation: " + r.GenerationID, origins[i],
				"00112233445566778899aabbccddeeff", q, after, at})
	}
	if err := session.Client().Flush(ctx); err != nil {
		return err
	}
	pipe = db.Pipeline()
	for b := range touched {
		guard.EvalSha(ctx, pipe, []string{meta(b)}, verified[b])
	}
	if _, err := pipe.Exec(ctx); err != nil {
		return err
	}
	committed, err := session.End(ctx, kgo.TryCommit)
	if err != nil || !committed {
		return fmt.Errorf("not committed: %v", err)
	}
	return nil
}
