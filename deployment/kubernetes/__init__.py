"""The host of a cluster: a model is one SeldonDeployment with a predictor for each instance, and front doors of its own.

`host` is what others use. `manifests` and `frontdoor` make Kubernetes objects of what is wanted and know no cluster;
`state` is what is wanted, kept in the cluster's Secret; `rights` is what the deployer's account must be allowed to do.
`stacks.cluster` speaks to the cluster and says what is wrong with a pod.
"""
