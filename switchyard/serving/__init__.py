"""What runs inside the Seldon container: the component that answers with a bundle, and what keeps the stock wrapper fit.

`seldon-core-microservice switchyard.serving.component.Model` serves the bundle that `SWITCHYARD_BUNDLE` names;
`switchyard.serving.settings` has the other variables. Imports `bundle` and `predictionlog` and nothing else of ours.
"""
