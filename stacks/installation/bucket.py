"""The bucket in which an installation keeps artifacts: there, or made."""

from __future__ import annotations

from stacks.cluster.errors import ClusterError


def ensure_bucket(keys: dict[str, str], bucket: str) -> None:
    """Have the bucket be there.

    Parameters
    ----------
    keys : dict
        The object store's, as a client needs them: AWS_ACCESS_KEY_ID and its like.

    Raises
    ------
    ClusterError
        S3 does not answer this machine, or refuses the bucket.
    """
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    client = boto3.client(
        "s3",
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        endpoint_url=keys["AWS_ENDPOINT_URL"],
        region_name=keys["AWS_DEFAULT_REGION"],
        config=Config(
            retries={"max_attempts": 3},
            connect_timeout=5,
            request_checksum_calculation=keys["AWS_REQUEST_CHECKSUM_CALCULATION"],
            response_checksum_validation=keys["AWS_RESPONSE_CHECKSUM_VALIDATION"],
        ),
    )
    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchBucket"):
            raise ClusterError(
                f"S3 at {keys['AWS_ENDPOINT_URL']} refuses bucket {bucket} ({error}): check S3_ACCESS_KEY_ID, its rights and S3_REGION"
            ) from None
        region = keys["AWS_DEFAULT_REGION"]
        # Amazon's S3 wants the region named, but for its first one, which it refuses to see named.
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        try:
            client.create_bucket(Bucket=bucket, **where)
        except ClientError as refused:
            raise ClusterError(
                f"bucket {bucket} is not there and can't be made ({refused}): make it, or give the keys that right"
            ) from None
    except BotoCoreError as error:
        raise ClusterError(f"S3 at {keys['AWS_ENDPOINT_URL']} does not answer this machine: {error}") from None
