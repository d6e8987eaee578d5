// Flowers told apart, step by step, from the project's root or the samples folder.
var iris = Dataset.from(Csv.of(SampleFiles.data("iris/iris.csv"))).label("species").numbersExcept("species").split(0.6, 0.2, 0.2).seed(7)
System.out.println(iris.dataset().profile())

var training = Training.of(Models.mlp(16), iris).epochs(40).batchSize(16).learningRate(1e-2).seed(7)
System.out.println(training.estimate())

var result = training.run()
System.out.println("Best at step " + result.bestStep() + ": " + result.model().metrics())

var report = Evaluation.of(result.model(), iris.test()).metrics(accuracy()).gate(accuracy().atLeast(0.9)).run()
report.decisions().forEach(decision -> System.out.println(decision.sentence()))

var live = Deployments.inProcess().deploy("iris", result.model())
var answer = live.predict(iris.test().row(0))
System.out.println("The first flower of the test: " + answer.label())
live.close()
/exit
