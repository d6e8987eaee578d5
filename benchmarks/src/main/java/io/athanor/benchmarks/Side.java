package io.athanor.benchmarks;

/** Who trains and predicts. */
public enum Side {
  ATHANOR_DJL {
    @Override
    Contender open(Workload workload, int threads) {
      return new AthanorContender("djl", workload, threads);
    }
  },
  DJL {
    @Override
    Contender open(Workload workload, int threads) {
      return new DjlContender(workload, threads);
    }
  },
  ATHANOR_DL4J {
    @Override
    Contender open(Workload workload, int threads) {
      return new AthanorContender("dl4j", workload, threads);
    }
  },
  DL4J {
    @Override
    Contender open(Workload workload, int threads) {
      return new Dl4jContender(workload, threads);
    }
  };

  abstract Contender open(Workload workload, int threads);
}
