package io.athanor.api.deploy;

import java.time.Duration;

/**
 * What a deployment has done since it began; warm-up not included.
 *
 * @param answered rows that got a prediction
 * @param failed rows that got none because the engine failed or the time was up
 * @param refused rows that found the queue full
 * @param batches passes through the engine
 * @param largestBatch rows of the largest one
 * @param waiting rows in the queue now
 * @param mean latency of the answered rows; zero before the first
 * @param median latency of the answered rows
 * @param p99 the latency that 99 of 100 answered rows did not exceed
 */
public record DeploymentStats(
    long answered,
    long failed,
    long refused,
    long batches,
    int largestBatch,
    int waiting,
    Duration mean,
    Duration median,
    Duration p99) {}
