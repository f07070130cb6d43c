//go:build integration && race

package integration

// underRace says whether this is a test program that looks for races.
const underRace = true
